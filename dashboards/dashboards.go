// Package dashboards shows runs: it has the live page, which is a report too with
// a run's data in it, and what Grafana and Prometheus need, the dashboards that
// dashboards/build makes and what provisions them.
package dashboards

import "embed"

//go:generate go run ./build

// FS holds the dashboards as Grafana reads them (*.json), Grafana's
// provisioning, and a configuration of Prometheus that scrapes troupe, works out
// rules and raises alerts.
//
//go:embed *.json provisioning prometheus.yaml rules.yaml
var FS embed.FS
