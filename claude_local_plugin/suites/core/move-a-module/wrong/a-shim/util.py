from mail.addresses import *  # noqa: F403
