package main

import (
	"fmt"
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// Grafana's grid is 24 columns wide; a row of it is about 30 pixels high.
const (
	statWidth, statHeight   = 4, 4
	graphWidth, graphHeight = 12, 8
)

// A query is one expression with the name of its series; every panel shows the
// data source that the reader picked.
type query struct{ expr, legend string }

// source is the data source of all panels.
func source() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}
}

// A sheet is a dashboard being built; it numbers the panels.
type sheet struct {
	*dashboard.DashboardBuilder
	panels uint32
}

// newSheet begins a dashboard, which has a variable for the data source and links to
// the others.
func newSheet(title, uid, description string) *sheet {
	//nolint:staticcheck // the classic schema, not its successor: every Grafana reads it, also one before 13
	s := &sheet{DashboardBuilder: dashboard.NewDashboardBuilder(title).
		Uid(uid).Description(description).
		Tags([]string{tag}).Readonly().Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Link(dashboard.NewDashboardLinkBuilder("Troupe").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{tag}).AsDropdown(true).IncludeVars(true).KeepTime(true)).
		Timezone(common.TimeZoneBrowser).Time("now-15m", "now").Refresh("5s")}
	s.WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus"))
	return s
}

// tag is what all dashboards have.
const tag = "troupe"

// variable lets the reader pick values of a label of some series.
func (s *sheet) variable(name, label, series string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).Label(label).Datasource(source()).
		Query(dashboard.StringOrMap{String: cog.ToPtr("label_values(" + series + ", " + name + ")")}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortNaturalDesc)
}

// ofRun lets the reader pick one run, and a supervisor where several have one of that
// name.
func (s *sheet) ofRun() {
	s.WithVariable(s.variable("run", "Run", "troupe_run_info"))
	s.ofMany("instance", "Supervisor", `troupe_run_info{run="$run"}`)
}

// thisRun picks the series of the run that the reader picked.
const thisRun = `run="$run",instance=~"$instance"`

// one is a single number of this run, of which each supervisor that played it shows
// one: that of the time that is looked at.
func one(series string) string { return "max(" + series + ")" }

// ofMany lets the reader pick some, or all.
func (s *sheet) ofMany(name, label, series string) {
	s.WithVariable(s.variable(name, label, series).Multi(true).IncludeAll(true).AllValue(".*").
		Current(dashboard.VariableOption{
			Text:  dashboard.StringOrArrayOfString{String: cog.ToPtr("All")},
			Value: dashboard.StringOrArrayOfString{String: cog.ToPtr("$__all")},
		}))
}

// json is the dashboard as Grafana reads it.
func (s *sheet) json() ([]byte, error) {
	built, err := s.Build()
	if err != nil {
		return nil, err
	}
	return encode(built)
}

func (s *sheet) row(title string) {
	s.panels++
	s.WithRow(dashboard.NewRowBuilder(title).Id(s.panels))
}

// number shows the newest value of an expression in the time that is looked at,
// also when the run is over by now.
func (s *sheet) number(title, help, unit string, q query) *stat.PanelBuilder {
	s.panels++
	return stat.NewPanelBuilder().
		Id(s.panels).Title(title).Description(help).Unit(unit).Datasource(source()).
		Span(statWidth).Height(statHeight).
		GraphMode(common.BigValueGraphModeNone).ColorMode(common.BigValueColorModeNone).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
		WithTarget(target(0, q).Range())
}

// graph shows expressions over time.
func (s *sheet) graph(title, help, unit string, queries ...query) *timeseries.PanelBuilder {
	s.panels++
	p := timeseries.NewPanelBuilder().
		Id(s.panels).Title(title).Description(help).Unit(unit).Datasource(source()).
		Span(graphWidth).Height(graphHeight).Min(0).
		LineWidth(1).FillOpacity(10).ShowPoints(common.VisibilityModeNever).
		Legend(common.NewVizLegendOptionsBuilder().
			ShowLegend(true).DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom)).
		Tooltip(common.NewVizTooltipOptionsBuilder().
			Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	for i, q := range queries {
		p = p.WithTarget(target(i, q).Range())
	}
	return p
}

// now shows the value that an expression has at the end of the time that is looked at.
func (s *sheet) now(title, help, unit string, q query) *stat.PanelBuilder {
	return s.number(title, help, unit, q).Targets([]cog.Builder[variants.Dataquery]{target(0, q).Instant()})
}

// named has numbers shown by their names, counted from 0.
func named(p *stat.PanelBuilder, names []string) *stat.PanelBuilder {
	m := dashboard.NewValueMap()
	for i, name := range names {
		m.Options[strconv.Itoa(i)] = dashboard.ValueMappingResult{Text: cog.ToPtr(name), Index: cog.ToPtr(int32(i))}
	}
	return p.Mappings([]dashboard.ValueMapping{{ValueMap: m}})
}

// list shows the labels of series and their newest values.
func (s *sheet) list(title, help, unit string, q query) *table.PanelBuilder {
	s.panels++
	return table.NewPanelBuilder().
		Id(s.panels).Title(title).Description(help).Unit(unit).Datasource(source()).
		Span(2 * graphWidth).Height(graphHeight).
		Footer(common.NewTableFooterOptionsBuilder().Reducer([]string{})). // the schema wants one, and it is not shown
		WithTarget(target(0, q).Instant().Format(prometheus.PromQueryFormatTable))
}

func stacked(p *timeseries.PanelBuilder) *timeseries.PanelBuilder {
	return p.Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal)).FillOpacity(60)
}

func target(i int, q query) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().
		Datasource(source()).RefId(string(rune('A' + i))).Expr(q.expr).LegendFormat(q.legend)
}

// rate is what a counter of this run grows by per second, summed by a label.
func rate(counter, by string) string { return rateOf(counter, "", by) }

// rateOf is rate of the series that some more labels pick.
func rateOf(counter, labels, by string) string {
	return fmt.Sprintf(`sum by (%s) (rate(%s{%s}[$__rate_interval]))`, by, counter, picked(labels))
}

// picked are the labels of this run's series.
func picked(labels string) string {
	if labels != "" {
		labels = "," + labels
	}
	return thisRun + labels
}

// quantiles are quantilesOf all of a histogram.
func quantiles(histogram, by string) []query { return quantilesOf(histogram, "", by) }

// quantilesOf are the median and the 99th percentile of a histogram of this run,
// of the series that some more labels pick, one of each by a label. Where nothing was observed they are not a number,
// which `>= 0` leaves out: the graph has a gap, and nothing reads it as a value.
func quantilesOf(histogram, labels, by string) []query {
	var qs []query
	for _, q := range []struct{ q, name string }{{"0.5", "p50"}, {"0.99", "p99"}} {
		qs = append(qs, query{
			fmt.Sprintf(`histogram_quantile(%s, sum by (%s, le) (rate(%s_bucket{%s}[$__rate_interval]))) >= 0`, q.q, by, histogram, picked(labels)),
			fmt.Sprintf("{{%s}} %s", by, q.name),
		})
	}
	return qs
}

// most is how many series a graph of one line per agent or process shows.
const most = 10

func top(expr string) string { return fmt.Sprintf("topk(%d, %s)", most, expr) }

// ofSupervisor is a metric of the supervisor's own process, which has no label
// run, for this run alone. Series of the expression have the labels by, and
// instance and job.
func ofSupervisor(expr string) string {
	return expr + ` * on (instance, job) group_left (run) troupe_run_info{` + thisRun + `}`
}
