"""A little MCP server, run as a child by tests: `python mcp_server.py [FAULT]`."""

import json
import os
import subprocess
import sys
import time
from typing import Any


def answer(message: dict[str, Any]) -> dict[str, Any] | None:
    method, params = message["method"], message.get("params", {})
    match method:
        case "initialize":
            assert params["protocolVersion"] == "2024-11-05"
            return {
                "result": {
                    "protocolVersion": "2024-11-05",
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "t", "version": "1"},
                }
            }
        case "tools/list":
            return {"result": {"tools": [{"name": "add", "inputSchema": {"type": "object"}}]}}
        case "tools/call" if params["name"] == "add":
            total = sum(params["arguments"]["numbers"])
            return {"result": {"content": [{"type": "text", "text": str(total)}]}}
        case "tools/call" if params["name"] == "process_id":
            return {"result": {"pid": os.getpid()}}
        case "tools/call" if params["name"] == "child":
            return {"result": {"pid": subprocess.Popen(["sleep", "600"]).pid}}
        case "tools/call" if params["name"] == "slow":
            time.sleep(params["arguments"]["seconds"])
            return {"result": "slept"}
        case "tools/call" if params["name"] == "long":
            return {"result": "x" * params["arguments"]["length"]}
        case "tools/call" if params["name"] == "not_a_number":
            return {"result": float("nan")}
        case "tools/call" if params["name"] == "die":
            sys.exit(1)
        case "tools/call":
            return {"error": {"code": -32602, "message": f"no tool {params['name']}", "data": {"known": ["add"]}}}
        case "notifications/initialized":
            return None
        case _:
            return {"error": {"code": -32601, "message": f"no method {method}"}}


def main() -> None:
    fault = sys.argv[1] if len(sys.argv) > 1 else ""
    if fault == "refuse":
        sys.exit(3)
    print("this is not JSON-RPC", flush=True)
    for number, line in enumerate(sys.stdin):
        message = json.loads(line)
        if number == 0:
            print(json.dumps({"jsonrpc": "2.0", "id": "ours", "method": "roots/list"}), flush=True)
        if "method" not in message:
            assert message["error"]["code"] == -32601
            continue
        reply = answer(message)
        if reply is not None:
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **reply}), flush=True)
    while fault == "stay":
        time.sleep(1)


if __name__ == "__main__":
    main()
