"""What is said of a checkpoint: all that its signature covers, and the signature."""

from rest_framework import serializers

from apps.checkpoints.access import CHECKPOINT_FIELDS
from apps.checkpoints.models import Checkpoint
from saas.disclosure.outputs import Output


class CheckpointOutput(Output):
    """That the trail had come to this entry at this time."""

    access = CHECKPOINT_FIELDS
    examples = {
        "number": 1,
        "kind": "seen",
        "seq": 1000,
        "hash": "0" * 64,
        "at": "2026-11-22T12:00:00.000+00:00",
    }

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    number = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=[Checkpoint.SEEN, Checkpoint.RESTORED])
    seq = serializers.IntegerField()
    hash = serializers.CharField()
    at = serializers.CharField()
    previous = serializers.CharField()
    detail = serializers.CharField()
    key = serializers.CharField()
    signature = serializers.CharField()
