"""The pages on which people come and go, beside those of the account itself."""

from django.urls import path

from apps.organizations import pages

urlpatterns = [
    path("", pages.home, name="account_home"),
    path("signup/", pages.sign_up, name="account_signup"),
    path("signup/code/", pages.prove, name="account_prove"),
    path("invitations/<str:secret>", pages.invitation, name="account_invitation"),
    path("organizations/<uuid:id>/leave/", pages.leave, name="account_leave"),
    path("close/", pages.close, name="account_close"),
    path("closed/", pages.closed, name="account_closed"),
]
