"""The pages under /accounts/; of allauth only those that are written here exist."""

from allauth.account.internal.decorators import login_stage_required
from allauth.mfa.stages import AuthenticateStage
from django.urls import path

from apps.accounts import views

second_factor = login_stage_required(stage=AuthenticateStage.key, redirect_urlname="account_login")(
    views.SecondFactor.as_view()
)

urlpatterns = [
    path("", views.home, name="account_home"),
    path("login/", views.SignIn.as_view(), name="account_login"),
    path("2fa/authenticate/", second_factor, name="mfa_authenticate"),
    path("logout/", views.sign_out, name="account_logout"),
]
