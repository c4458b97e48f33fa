// Following a run: the stream of its frames, begun again after its last id
// whenever it breaks off.

import { paths, Problem } from "./api.js";

const firstPause = 300, longestPause = 5000; // milliseconds

// follow hands over every frame until the run is over or stop is called. It tells
// of the connection as "live", "lost" (with what went wrong) and "over".
export function follow(source, run, take, tell) {
  const controller = new AbortController();
  let last = "", pause = firstPause, over = false;
  const got = (event) => {
    if (event.type === "end") {
      over = true;
      return;
    }
    if (event.type === "error") throw new Problem(500, JSON.parse(event.data));
    if (event.data !== null) take(JSON.parse(event.data));
    if (event.id !== null) last = event.id;
    pause = firstPause;
  };
  const loop = async () => {
    while (!over && !controller.signal.aborted) {
      let wrong = null;
      try {
        await source.events(paths.frames(run), last, controller.signal, got, () => tell("live"));
      } catch (e) {
        if (controller.signal.aborted) return;
        if (e.status >= 400 && e.status < 500) { // asking again would not help
          tell("failed", e);
          return;
        }
        wrong = e;
      }
      if (over || controller.signal.aborted) break;
      tell("lost", wrong);
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(pause * 2, longestPause);
    }
    if (over) tell("over");
  };
  loop();
  return () => controller.abort();
}
