// Package dashboards is what Grafana and Prometheus need to show runs: the
// dashboards, which dashboards/build makes, and what provisions them.
package dashboards

import "embed"

//go:generate go run ./build

// FS holds the dashboards as Grafana reads them (*.json), Grafana's
// provisioning, and a configuration of Prometheus that scrapes troupe.
//
//go:embed *.json provisioning prometheus.yaml
var FS embed.FS
