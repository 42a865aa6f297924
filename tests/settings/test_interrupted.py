"""Killed at any moment, apply and revert leave the old file or the new one, and the next run puts everything right."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import claude_local_plugin
from claude_local_plugin.settings import ownership

from .killable import STEPS  # noqa: TID252  (placeholder)
