"""A person, named by their e-mail address; what they may do stands with each organization."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from saas.ids import IdField


class Users(BaseUserManager["User"]):
    """People, found by their address in any case."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """The person with this address; case does not tell two people apart."""
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A new person; without a password nobody can sign in as them yet."""
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser):
    """Somebody who can sign in."""

    id = IdField()
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    email_proved_at = models.DateTimeField(null=True, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"

    objects = Users()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="one_person_for_each_address")]

    def __str__(self) -> str:
        """The id: an address does not belong in a log."""
        return f"user {self.pk}"

    @property
    def email_verified(self) -> bool:
        """Whether somebody showed what was mailed to this very address."""
        return self.email_proved_at is not None


class Session(AbstractBaseSession):
    """A browser that somebody is signed in with; the person is named, so that all of theirs can
    end at once. `session_key` holds a digest (saas.authentication.pages.sessions); `new_here_at`
    when a password alone opened it in a browser that nobody knew, while others failed.
    """

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    new_here_at = models.DateTimeField(null=True, editable=False)

    @classmethod
    def get_session_store_class(cls) -> Any:
        """Who reads and writes these rows."""
        from saas.authentication.pages.sessions import SessionStore

        return SessionStore

    def get_decoded(self) -> Any:
        """What it holds, if that was signed for this very row."""
        return self.get_session_store_class()(row=self.session_key).decode(self.session_data)


class RecoveryCode(models.Model):
    """What opens the second step when the authenticator is lost. A code that was used is gone."""

    id = IdField()
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True, editable=False)

    def __str__(self) -> str:
        """The id alone."""
        return f"recovery code {self.pk}"
