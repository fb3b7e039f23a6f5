# shellcheck shell=bash disable=SC2154  # common.sh sets the names in lower case
# Tokens that live 15 s, under load: nobody notices.

export SANDBOX_TOKEN_LIFETIME=15s TOKEN_CHECK_INTERVAL=2s TOKEN_REVOKE_AFTER=3s
start_all
load_start --workers 6
sleep 60
load_stop
figure "$(cat "$work/load.json")"
written=$(events token-refresher token_written)
at_least "tokens renewed within a minute of load" 4 "$written"
no_failed_call "rotation"
at_least "calls" 500 "$(load_figure calls)"
figure "replaced tokens logged out: $(events token-refresher token_revoked)"
for service in token-refresher dremio-mcp; do equal "$service: restarts" 0 "$(restarts_of "$service")"; done
equal "the official server's process was started" 1 "$(logs_of dremio-mcp | grep -c 'MCP server process started')"
equal "sessions opened by the 3 clients that need one" 3 "$(load_figure sessions_opened)"
stop_all
unset SANDBOX_TOKEN_LIFETIME TOKEN_CHECK_INTERVAL TOKEN_REVOKE_AFTER
