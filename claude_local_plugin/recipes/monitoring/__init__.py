"""What watches servers from outside: Prometheus with alerts, a Grafana dashboard, Claude Code's own OpenTelemetry."""
