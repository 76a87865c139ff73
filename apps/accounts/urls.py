"""The pages of an account; of allauth only those that are written here exist."""

from allauth.account.internal.decorators import login_stage_required
from allauth.mfa.stages import AuthenticateStage
from django.urls import path

from apps.accounts import views

second_factor = login_stage_required(stage=AuthenticateStage.key, redirect_urlname="account_login")(
    views.SecondFactor.as_view()
)

urlpatterns = [
    path("login/", views.SignIn.as_view(), name="account_login"),
    path("2fa/authenticate/", second_factor, name="mfa_authenticate"),
    path("login/code/", views.confirm, name="account_confirm"),
    path("logout/", views.sign_out, name="account_logout"),
    path("password/", views.change_password, name="account_change_password"),
    path("password/reset/", views.ask_reset, name="account_reset_password"),
    path("password/reset/sent/", views.reset_sent, name="account_reset_sent"),
    path("password/reset/<uuid:id>/<str:token>", views.reset, name="account_reset"),
    path("2fa/", views.start_enrolment, name="account_start_enrolment"),
    path("2fa/confirm/", views.confirm_enrolment, name="account_confirm_enrolment"),
    path("2fa/codes/", views.recovery_codes, name="account_recovery_codes"),
    path("2fa/codes/new/", views.renew_codes, name="account_renew_codes"),
    path("2fa/remove/", views.remove_factor, name="account_remove_factor"),
    path("sessions/end/", views.end_session, name="account_end_session"),
]
