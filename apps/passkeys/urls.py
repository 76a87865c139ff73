"""The pages of passkeys."""

from allauth.account.internal.decorators import login_stage_required
from allauth.mfa.stages import AuthenticateStage
from django.urls import path

from apps.passkeys import views

second_step = login_stage_required(stage=AuthenticateStage.key, redirect_urlname="account_login")(
    views.second_step
)

urlpatterns = [
    path("sign-in/", views.sign_in, name="passkey_sign_in"),
    path("challenge/", views.challenge, name="passkey_challenge"),
    path("second-step/", second_step, name="passkey_second_step"),
    path("new/", views.start, name="passkey_start"),
    path("new/challenge/", views.creation, name="passkey_creation"),
    path("new/create/", views.create, name="passkey_create"),
    path("<uuid:id>/", views.rename, name="passkey_rename"),
    path("<uuid:id>/remove/", views.remove, name="passkey_remove"),
]
