//go:build e2e

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-dev/troupe/runtime/record/export"
)

// duckDB runs queries, one an argument, and prints the rows of each as a line
// of JSON.
const duckDB = `
const {DuckDBInstance} = require('@duckdb/node-api');
(async () => {
  const c = await (await DuckDBInstance.create(':memory:')).connect();
  for (const query of process.argv.slice(1)) {
    const r = await c.runAndReadAll(query);
    console.log(JSON.stringify(r.getRowsJson()));
  }
})().catch(e => { console.error(String(e)); process.exit(1) });
`

// query asks DuckDB, and gives the rows of each query as text.
func query(t *testing.T, dir string, queries ...string) (answers []string) {
	t.Helper()
	modules := os.Getenv("TROUPE_DUCKDB")
	if modules == "" {
		t.Fatal("TROUPE_DUCKDB does not say where DuckDB for Node is: run .ci/run e2e")
	}
	cmd := exec.Command("node", append([]string{"-e", duckDB, "--"}, queries...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	out, err := cmd.Output()
	if err != nil {
		var said string
		if e, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Output wraps nothing
			said = string(e.Stderr)
		}
		t.Fatalf("%v: %s", err, said)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// duckTypes are what DuckDB makes of the types of columns in Parquet.
var duckTypes = map[export.Type]string{
	export.Text: "VARCHAR", export.JSON: "VARCHAR", export.Integer: "BIGINT", export.Number: "DOUBLE",
	export.Boolean: "BOOLEAN", export.Time: "TIMESTAMP WITH TIME ZONE",
}

// TestE2EDuckDBReadsExports: another program reads every table in every format,
// with the columns and types that troupe says they have, and finds in all of
// them the same.
func TestE2EDuckDBReadsExports(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, err := filepath.Abs("../../scenarios")
	if err != nil {
		t.Fatal(err)
	}
	command(t, dir, "troupe", "run", "--name", "r", filepath.Join(root, "rumour.yaml"))
	for _, table := range sortedKeys(export.Tables) {
		t.Run(table, func(t *testing.T) {
			for _, format := range sortedKeys(export.Formats) {
				command(t, dir, "troupe", "export", "r", "--what", table, "--format", format, "--out", table+"."+format)
			}
			columns := export.Tables[table].Columns
			checkTypes(t, columns, query(t, dir, fmt.Sprintf("describe select * from '%s.parquet'", table))[0])
			if table != "events" && table != "failures" && table != "tool_calls" && table != "scores" { // which this run has none of
				checkSame(t, dir, table, columns)
			}
		})
	}
	got := query(t, dir,
		"select count(*), count(policy), count(distinct agent) from 'outcomes.parquet'",
		"select count(*) from 'turns.parquet' where json_extract_string(action, '$.heard') = 'true' and tick = 0",
		"select \"end\", messages > 0, year(time) > 2000, length(hash) from 'ticks.parquet' where tick = 11",
		"select count(*) from 'messages.parquet' where channel = 'inn' and recipient is null",
	)
	if got[0] != `[["144","0","12"]]` || got[1] != `[["1"]]` || got[2] != `[["done",true,true,"64"]]` || got[3] == `[["0"]]` {
		t.Errorf("DuckDB says %s", got)
	}
}

func checkTypes(t *testing.T, columns []export.Column, described string) {
	t.Helper()
	var rows [][]*string
	if err := json.Unmarshal([]byte(described), &rows); err != nil || len(rows) != len(columns) {
		t.Fatalf("%d columns are read as %s: %v", len(columns), described, err)
	}
	for i, c := range columns {
		if name, kind := *rows[i][0], *rows[i][1]; name != c.Name || kind != duckTypes[c.Type] {
			t.Errorf("column %s of type %s is read as %s %s", c.Name, c.Type, name, kind)
		}
	}
}

// checkSame compares the formats, with the types that the columns have.
func checkSame(t *testing.T, dir, table string, columns []export.Column) {
	t.Helper()
	var types []string
	for _, c := range columns {
		types = append(types, fmt.Sprintf("'%s': '%s'", c.Name, duckTypes[c.Type]))
	}
	of := strings.Join(types, ", ")
	parquet := fmt.Sprintf("from '%s.parquet'", table)
	for _, other := range []string{
		fmt.Sprintf("from read_csv('%s.csv', header = true, columns = {%s})", table, of),
		fmt.Sprintf("from read_json('%s.jsonl', format = 'newline_delimited', columns = {%s})", table, of),
	} {
		got := query(t, dir, "select count(*) > 0 "+other, "("+parquet+" except all "+other+") union all ("+other+" except all "+parquet+")")
		if got[0] != "[[true]]" || got[1] != "[]" {
			t.Errorf("what differs in %s: %s", other, got)
		}
	}
}
