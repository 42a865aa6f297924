"""One question through the Python Agent SDK, with the options that its argument says as JSON.

A second argument names a file of variables that is loaded first, as programs do with their `.env`.
"""

import asyncio
import json
import sys

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query


async def main() -> None:
    """Ask, and print what the last message says."""
    async for message in query(prompt="ping", options=ClaudeAgentOptions(**json.loads(sys.argv[1]))):
        if isinstance(message, ResultMessage):
            print(json.dumps({"result": message.result}))


if __name__ == "__main__":
    if sys.argv[2:]:
        from dotenv import load_dotenv

        load_dotenv(sys.argv[2])
    asyncio.run(main())
