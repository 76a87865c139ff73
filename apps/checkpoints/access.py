"""Who may read checkpoints: who may read the trail."""

from saas.authorization.fields import FieldAccess

CHECKPOINT_FIELDS = FieldAccess(
    public=frozenset(
        {"id", "number", "kind", "seq", "hash", "at", "previous", "detail", "key", "signature"}
    ),
    guarded={},
)
