//go:build e2e

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pageFluid has the page show 9,801 cells at 20 ticks a second: no
// tick is lost, and what came is drawn once an animation frame at most.
func pageFluid(t *testing.T, binary string) {
	const ticks = 100
	h, b := newHost(t, binary), newBrowser(t)
	text, err := os.ReadFile("../../scenarios/nowak-may.yaml")
	if err != nil {
		t.Fatal(err)
	}
	scenario, _, _ := strings.Cut(strings.Replace(string(text), "ticks: 31", "ticks: 100", 1), "\nexpect:")
	write(t, filepath.Join(h.dir, "scenarios", "nowak-may.yaml"), scenario)
	b.size(1440, 900, "light")
	b.form(h, "nowak-may.yaml", "carpet")
	b.fill("ticks a second", "20")
	b.fill("begin paused", "true")
	b.press("Start")
	b.until(`document.querySelector(".status")?.textContent === "paused"`)
	b.press("Step")
	b.until(`document.querySelector("canvas.grid")?.dataset.tick === "0"`)
	eval[any](b, `(() => { window.counted = 0; const count = () => { window.counted++; requestAnimationFrame(count); }; requestAnimationFrame(count); return null; })()`)
	drawn, came := b.number("canvas.grid", "data-draws"), b.number(".run", "data-frames")
	b.press("Resume")
	b.until(`document.querySelector(".status").textContent === "finished" && document.querySelector("canvas.grid").dataset.tick === "%d"`, ticks-1)
	drawn, came = b.number("canvas.grid", "data-draws")-drawn, b.number(".run", "data-frames")-came
	frames := eval[int](b, "window.counted")
	t.Logf("%d frames came, %d animation frames, in %d of them the grid was drawn", came, frames, drawn)
	if came < ticks/2 || drawn > frames || 2*drawn < min(came, frames) {
		t.Errorf("%d frames came for %d ticks; in %d of %d animation frames the grid was drawn", came, ticks, drawn, frames)
	}
	if n := eval[int](b, `document.querySelectorAll("*").length`); n > 3000 {
		t.Errorf("the page has %d elements", n)
	}
	b.shot("carpet")
}

// pageReports opens reports as files, with no network: they show all that the
// page does, and nothing is asked for.
func pageReports(t *testing.T, binary string) {
	h, b := newHost(t, binary), newBrowser(t)
	b.size(1440, 900, "dark")
	for _, r := range []struct{ name, scenario, set string }{
		{"cells", "cells", "clock.ticks=60"}, {"game", "game", "seed=1"},
		{"talk", "talk", "world.config.rounds=20"}, {"models", "models", "seed=2"}, {"long", "talk", "world.config.rounds=2100"},
	} {
		h.run("scenarios/"+r.scenario+".yaml", "--name", r.name, "--set", r.set)
		h.does("report", r.name)
	}
	open := func(name string) {
		b.open("file://" + filepath.Join(h.dir, name+".html"))
		b.until(`document.querySelector("h1")?.textContent === %q && document.querySelectorAll(".agents .name").length >= 2`, name)
	}
	open("cells")
	b.until(`document.querySelector("canvas.grid")?.dataset.tick === "59"`)
	eval[any](b, `(() => { const r = document.querySelector("input[type=range]"); r.value = 0; r.dispatchEvent(new Event("input")); return null; })()`)
	b.until(`document.querySelector(".picture .legend").innerText.replace(/\s+/g, " ") === "C 899 D 1"`)
	b.press("Play")
	b.until(`document.querySelector("canvas.grid").dataset.tick === "59"`)
	b.shot("report-cells")
	open("game")
	b.until(`document.querySelectorAll(".bars li").length === 3`)
	b.press("defector")
	b.until(`document.querySelectorAll(".turns article").length === 30`)
	b.press("Earlier turns")
	b.until(`document.querySelectorAll(".turns article").length > 30`)
	b.shot("report-game")
	open("talk")
	b.until(`document.querySelectorAll(".said li").length > 10`)
	if found := eval[string](b, `[...document.querySelectorAll(".controls, .chat, form")].filter(e => e.offsetParent !== null).map(e => e.className).join()`); found != "" {
		t.Errorf("a report has %s", found)
	}
	open("models") // what one was told and said, in its own words
	b.press("alice")
	b.press("Transcript")
	b.until(`["system.txt", "prompt", "reasoning", "tool Bash", "result", "reply", "end"].every(t => [...document.querySelectorAll(".part h5, .part summary")].some(e => e.textContent === t))`)
	b.until(`document.querySelector(".transcript").innerText.includes("100 tokens in and 20 out")`)
	b.shot("report-models")
	open("long") // has a part, and says so
	b.until(`document.querySelector(".note").textContent.includes("one tick of 2, the newest 500 turns of an agent. ")`)
	eval[any](b, `(() => { const r = document.querySelector("input[type=range]"); r.value = 1000; r.dispatchEvent(new Event("input")); return null; })()`)
	b.until(`[...document.querySelectorAll(".said .tick")].at(-1)?.textContent === "999"`)
	for _, url := range b.requests() {
		if !strings.HasPrefix(url, "file://") && !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "about:") {
			t.Errorf("the report asked for %s", url)
		}
	}
}
