//go:build e2e

package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// pageEndures has the page meet what goes wrong, what is late and what is much.
func pageEndures(t *testing.T, binary string) {
	h, b := newHost(t, binary), newBrowser(t)
	b.size(1440, 900, "light")
	h.run("scenarios/game.yaml", "--name", "over")
	pageParts(h, b, []pagePart{
		{"away", pageAway},
		{"broken", pageBroken},
		{"wild", pageWild},
		{"unseen", pageUnseen},
		{"rests", pageRests},
		{"rows", pageRows},
		{"refuses", pageRefuses},
		{"another", pageAnother},
		{"late", pageLate},
		{"orders", pageOrders},
		{"seeds", pageSeeds},
		{"much", pageMuch},
		{"goes on", pageGoesOn},
		{"long", pageLong},
	})
}

// fetches has what the page asks for go past a function of its path, which gives an
// answer or null. asked are the paths.
func (b *browser) fetches(answer string) {
	b.Helper()
	eval[any](b, `(() => {
		window.fetched ??= window.fetch;
		window.asked = [];
		const answer = %s;
		window.fetch = (path, options) => {
			window.asked.push(path);
			return answer(path, options) ?? window.fetched(path, options);
		};
		return null;
	})()`, answer)
}

// goes follows a link of the page's own.
func (b *browser) goes(run string) {
	b.Helper()
	eval[any](b, `(location.hash = "#/run/%s", null)`, run)
	b.until(`document.querySelector("h1")?.textContent === %q`, run)
}

func (b *browser) scrub(tick int) {
	b.Helper()
	eval[any](b, `(() => { const r = document.querySelector("input[type=range]"); r.value = %d; r.dispatchEvent(new Event("input")); return null; })()`, tick)
	b.until(`document.querySelector(".run").dataset.tick === "%d"`, tick)
}

// A supervisor that does not answer at first is asked again.
func pageAway(h *host, b *browser) {
	b.open(h.link())
	b.until(`document.querySelectorAll(".runs tbody tr").length === 1`)
	b.fetches(`(path) => path.startsWith("/v1/runs/") ? Promise.reject(new TypeError("away")) : null`)
	b.goes("over")
	b.until(`document.getElementById("link").textContent.includes("Connection lost")`)
	b.fetches(`() => null`)
	b.until(`document.querySelectorAll(".bars li").length === 3 && document.querySelectorAll(".agents .name").length === 3`)
	b.until(`document.getElementById("link").textContent === "" && document.activeElement.id === "main"`)
}

// What is wrong with a record is said, and not taken for a lost connection alone.
func pageBroken(_ *host, b *browser) {
	b.fetches(`(path) => path.endsWith("/frames") ? Promise.resolve(new Response('event: error\ndata: {"detail":"the record is broken at tick 3"}\n\n')) : null`)
	eval[any](b, `(location.hash = "#/", null)`)
	b.goes("over")
	b.until(`document.querySelector(".trouble").innerText.includes("broken at tick 3")`)
	b.fetches(`() => null`)
	b.until(`document.querySelectorAll(".bars li").length === 3`)
	eval[any](b, `(location.hash = "#/run/%%", null)`) // nobody's run
	b.until(`document.querySelector("h1").textContent === "%%"`)
	b.until(`!document.querySelector(".trouble").hidden`)
	b.wrongs() // a browser writes refusals down
}

// Whatever numbers and values a run has, the page shows something, soon.
func pageWild(h *host, b *browser) {
	b.open(h.link())
	b.until(`document.querySelectorAll(".runs tbody tr").length === 1`)
	b.fetches(`(path) => {
		if (!path.endsWith("/frames")) return null;
		const deep = JSON.parse("[".repeat(3000) + "]".repeat(3000));
		const frame = { tick: 1, since: -1, hash: "00", columns: {
			near: [[0, 1e17], [1, 1e17 + 16]], far: [[0, -1.7e308], [1, 1.7e308]], tiny: [[0, 0], [1, 5e-324]], one: [[1, 1e300]],
		}, messages: Array.from({ length: 100 }, (_, i) => ({ tick: 1, from: "alice", to: "defector", body: i === 0 ? "x".repeat(8000) : deep })) };
		return Promise.resolve(new Response("event: frame\nid: 1\ndata: " + JSON.stringify(frame) + "\n\nevent: end\ndata: {}\n\n"));
	}`)
	b.goes("over")
	b.until(`["near", "far", "tiny", "one"].every(name => [...document.querySelectorAll(".charted canvas")].some(c => c.getAttribute("aria-label")?.startsWith(name + ": ")))`)
	b.until(`document.querySelectorAll(".said li").length === 100`)
	if n := eval[int](b, `document.querySelector(".said").textContent.length`); n > 700_000 {
		b.Errorf("messages take %d characters", n)
	}
	b.fetches(`() => null`)
}

// A page that nobody sees has no animation frames: what it would draw does not heap
// up, however long that is.
func pageUnseen(h *host, b *browser) {
	b.form(h, "cells.yaml", "unseen")
	b.set("clock.ticks=10000")
	b.fill("ticks a second", "20")
	b.fill("begin paused", "true")
	b.press("Start")
	b.until(`document.querySelector(".status")?.textContent === "paused"`)
	b.press("Step")
	b.until(`document.querySelector("canvas.grid")?.dataset.tick === "0"`)
	eval[any](b, `(() => {
		const now = { frame: requestAnimationFrame, timer: setTimeout, parse: JSON.parse };
		window.held = [];
		window.came = 0;
		window.requestAnimationFrame = (f) => window.held.push(f);
		window.setTimeout = (f) => { queueMicrotask(f); return 1; }; // as if much time went by
		JSON.parse = (text, ...how) => {
			if (text.startsWith('{"tick"')) window.came++;
			return now.parse(text, ...how);
		};
		window.seen = () => {
			Object.assign(window, { requestAnimationFrame: now.frame, setTimeout: now.timer });
			JSON.parse = now.parse;
			for (const f of window.held) f();
		};
		return null;
	})()`)
	b.press("Resume")
	b.until(`window.came > 60`)
	if n := eval[int](b, `window.held.length`); n > 12 {
		b.Errorf("%d things wait for an animation frame", n)
	}
	eval[any](b, `(window.seen(), null)`)
	b.until(`Number(document.querySelector("canvas.grid").dataset.tick) > 60`)
	h.end("unseen")
}

// A page that nobody sees for long takes up no connection, and has all of the run once
// somebody looks.
func pageRests(h *host, b *browser) {
	b.form(h, "game.yaml", "rests")
	b.set("world.config.turns=10000")
	b.fill("ticks a second", "20")
	b.press("Start")
	b.until(`document.querySelector(".run")?.dataset.newest > 3`)
	b.fetches(`() => null`)
	const becomes = `(() => {
		const timer = setTimeout;
		Object.defineProperty(document, "hidden", { value: %v, configurable: true });
		window.setTimeout = (f) => { f(); return 0; };
		document.dispatchEvent(new Event("visibilitychange"));
		window.setTimeout = timer;
		return Number(document.querySelector(".run").dataset.newest);
	})()`
	before := eval[int](b, becomes, true)
	ticks := before
	for end := time.Now().Add(pagePatience); ticks < before+20; {
		if time.Now().After(end) {
			b.Fatalf("the run does not go on after tick %d", ticks)
		}
		ticks = eval[int](b, `fetch("/v1/runs/rests", { headers: { Authorization: "Bearer " + sessionStorage.getItem("troupe.token") } }).then(r => r.json()).then(r => r.ticks)`)
	}
	if now := b.number(".run", "data-newest"); now > before+2 {
		b.Errorf("it follows the run to tick %d, though nobody sees it since tick %d", now, before)
	}
	eval[int](b, becomes, false)
	b.until(`Number(document.querySelector(".run").dataset.newest) > %d`, ticks)
	b.until(`window.asked.filter(path => path.endsWith("/frames")).length === 1`)
	h.end("rests")
}

// Rows of the list of runs stay where they are while runs go on.
func pageRows(h *host, b *browser) {
	b.form(h, "talk.yaml", "rows")
	b.fill("ticks a second", "20")
	b.press("Start")
	b.until(`document.querySelector(".run")?.dataset.newest > 0`)
	eval[any](b, `(location.hash = "#/", null)`)
	const row = `document.querySelector('[data-key="open rows"]')?.closest("tr")`
	b.until(row)
	eval[any](b, `(window.row = %s, window.ticks = row.children[2].textContent, null)`, row)
	b.until(`%s.children[2].textContent !== window.ticks`, row)
	if !eval[bool](b, `window.row === %s`, row) {
		b.Error("a row is another one with each tick")
	}
	h.end("rows")
}

// A tick that cannot be had is not said to be shown.
func pageRefuses(h *host, b *browser) {
	b.open(h.link())
	b.press("over")
	b.until(`document.querySelectorAll(".bars li").length === 3`)
	b.scrub(20)
	b.fetches(`(path) => path.endsWith("/frames/40") ? Promise.reject(new TypeError("away")) : null`)
	eval[any](b, `(() => { const r = document.querySelector("input[type=range]"); r.value = 40; r.dispatchEvent(new Event("input")); return null; })()`)
	b.until(`document.querySelector(".trouble").innerText.includes("does not answer") && document.querySelector(".scrubber .at").textContent === "tick 20"`)
	b.fetches(`() => null`)
}

// A run that is deleted and begun again under its name is another one.
func pageAnother(h *host, b *browser) {
	b.form(h, "cells.yaml", "again")
	b.fill("ticks a second", "20")
	b.press("Start")
	b.until(`document.querySelector(".run")?.dataset.newest > 5`)
	status := eval[int](b, `(async () => {
		const headers = { Authorization: "Bearer " + sessionStorage.getItem("troupe.token"), "Content-Type": "application/json" };
		await fetch("/v1/runs/again?force=true", { method: "DELETE", headers });
		return (await fetch("/v1/runs", { method: "POST", headers, body: JSON.stringify({ scenario: "game.yaml", name: "again", paused: true }) })).status;
	})()`)
	if status != 201 {
		b.Fatalf("it is not begun again: %d", status)
	}
	b.until(`document.querySelector(".status")?.textContent === "paused" && document.querySelector(".run").dataset.newest === "-1"`)
	b.press("Step")
	b.until(`document.querySelector(".run").dataset.newest === "0" && document.querySelectorAll(".bars li").length > 0 && !document.querySelector("canvas.grid")`)
	b.wrongs() // for a while there was no such run
	h.end("again")
}

// Whoever comes late sees at once how scores came about, and what agents had after an
// earlier tick.
func pageLate(h *host, b *browser) {
	h.run("scenarios/game.yaml", "--name", "far", "--set", "world.config.turns=1000")
	for _, run := range []struct {
		name  string
		ticks []int
	}{{"over", []int{30, 31, 47}}, {"far", []int{1001, 2345, 2346}}} {
		b.open(h.link())
		b.press(run.name)
		b.until(`document.querySelectorAll(".bars li").length === 3 && document.querySelectorAll(".agents .name").length === 3`)
		b.fetches(`() => null`)
		for _, tick := range run.ticks {
			b.scrub(tick)
			pageIsOf(b, tick)
		}
		if n := eval[int](b, `window.asked.length`); n != len(run.ticks) {
			b.Errorf("for %d ticks there were %d requests: %s", len(run.ticks), n, eval[string](b, `window.asked.join()`))
		}
	}
	b.shot("late")
	b.size(390, 844, "dark")
	b.shot("late-phone")
	b.until(`["rgb(111, 154, 240)", "rgb(224, 165, 69)", "rgb(95, 184, 147)"].includes(getComputedStyle(document.querySelector(".bars .track > span")).backgroundColor)`) // as the line of who leads
	b.size(1440, 900, "light")
	b.press("To the end")
	b.until(`!document.querySelector(".agents.past")`)
}

// pageIsOf says that bars, chart and table have the scores after a tick.
func pageIsOf(b *browser, tick int) {
	b.Helper()
	b.until(`document.querySelector(".race canvas").getAttribute("aria-label").startsWith("Scores at tick %s: ")`, thousands(tick))
	b.until(`[...document.querySelectorAll(".bars li")].every(li => {
		const said = li.querySelector(".name").textContent + " " + li.querySelector(".number").textContent;
		const row = [...document.querySelectorAll(".agents tbody tr")].find(r => r.querySelector(".name")?.textContent === li.querySelector(".name").textContent);
		return document.querySelector(".race canvas").getAttribute("aria-label").includes(said) && row.querySelector(".c-score").textContent === li.querySelector(".number").textContent;
	})`)
	b.until(`document.querySelector(".side .note").textContent.startsWith("Failures and scores as after tick %s,")`, thousands(tick))
}

// thousands is a number as the page writes it, below a million.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// Whoever wants another order while agents are asked for gets that one.
func pageOrders(_ *host, b *browser) {
	eval[any](b, `(location.hash = "#/", null)`)
	b.fetches(`(path, options) => path.includes("sort=failures") ? new Promise((go) => window.answer = () => go(window.fetched(path, options))) : null`)
	b.goes("over")
	b.until(`window.answer`)
	b.fill("Order of agents", "id")
	eval[any](b, `(window.answer(), null)`)
	b.until(`window.asked.some(path => path.includes("sort=id"))`)
	b.until(`document.querySelectorAll(".agents .name").length === 3`)
}

// A seed that JavaScript has no number for is sent and shown as it is.
func pageSeeds(h *host, b *browser) {
	const seed = "18446744073709551615"
	b.form(h, "game.yaml", "seeded")
	b.fill("seed", seed)
	b.fill("begin paused", "true")
	b.press("Start")
	b.until(`document.querySelector(".facts")?.innerText.replace(/\s+/g, " ").includes("seed %s")`, seed)
	h.end("seeded")
}

// Of much that was said the newest is shown, and how much is not.
func pageMuch(h *host, b *browser) {
	h.run("scenarios/talk.yaml", "--name", "much", "--set", "world.config.rounds=400")
	b.open(h.link())
	b.press("much")
	const adds = `(() => {
		const all = Number(document.querySelector('.threads-list [aria-pressed="true"] .number')?.textContent.replaceAll(",", ""));
		const left = Number(/^([\d,]+) earlier/.exec(document.querySelector(".thread > p")?.textContent)?.[1].replaceAll(",", ""));
		const shown = document.querySelectorAll(".thread .said > li").length;
		return all > 2000 && shown > 100 && all === left + shown;
	})()`
	b.until(adds)
	if got := eval[string](b, `[...document.querySelectorAll(".threads-list button > :first-child")].map(e => e.textContent).join()`); got != "Everything,#inn,ann · ann,ann · bob,ann · cleo,bob · bob,bob · cleo,cleo · cleo" {
		b.Errorf("the threads are %s", got)
	}
	eval[any](b, `([...document.querySelectorAll(".threads-list button")].find(e => e.textContent.startsWith("#inn")).click(), null)`)
	b.until(`document.querySelector(".thread > p").textContent.startsWith("Earlier messages are not shown")`)
}

// A person whose run is interrupted has a place again once it goes on.
func pageGoesOn(h *host, b *browser) {
	b.form(h, "game.yaml", "play")
	b.set("agents.alice.kind=human")
	b.press("Start")
	b.press("alice")
	b.until(`document.querySelector(".seat .asked")`)
	b.press("Close")
	b.press("Stop")
	b.until(`document.querySelector(".status").textContent === "interrupted"`)
	b.press("alice")
	b.until(`document.querySelector(".turns")`)
	b.press("Go on with the run")
	b.until(find(`[role="tab"]`, "Play"))
	eval[any](b, `(%s.click(), null)`, find(`[role="tab"]`, "Play"))
	b.until(`document.querySelector(".seat .asked")`)
	b.wrongs() // a browser writes down that the question was taken back
	h.end("play")
	b.until(`document.querySelector(".status").textContent === "interrupted"`)
	b.wrongs()
}

// What a page knows of a long run does not grow, is of all of it, and lacks nothing
// that stands out.
func pageLong(_ *host, b *browser) {
	source, err := os.ReadFile("../../dashboards/page/model.js")
	if err != nil {
		b.Fatal(err)
	}
	b.do(chromedp.Navigate("about:blank"))
	points := eval[[][2]int](b, `import("data:text/javascript;base64,%s").then(({ Model }) => {
		const model = new Model();
		const all = Array.from({ length: 500 }, (_, i) => [i * 100, i]);
		model.add({ tick: 49900, since: -1, columns: { c: all } });
		for (let tick = 49901; tick < 200000; tick++) model.add({ tick, since: tick - 1, columns: { c: [[tick, tick === 60000 ? -1 : tick]] } });
		return model.columns.get("c").points;
	})`, base64.StdEncoding.EncodeToString(source))
	if len(points) < 300 || len(points) > 1000 {
		b.Fatalf("there are %d points", len(points))
	}
	for i := 1; i < len(points); i++ {
		if gap := points[i][0] - points[i-1][0]; gap <= 0 || gap > 2048 {
			b.Errorf("%v comes after %v", points[i], points[i-1])
		}
	}
	if last := points[len(points)-1][0]; last != 199_999 {
		b.Errorf("the newest is of tick %d", last)
	}
	if !slices.Contains(points, [2]int{60000, -1}) {
		b.Error("what stood out at tick 60000 is missing")
	}
}
