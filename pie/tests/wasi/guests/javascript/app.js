// A guest that takes the time and random numbers, and sleeps on a timer of its own.
import clock from "wasi:clocks/monotonic-clock@0.2.9";
import poll from "wasi:io/poll@0.2.9";

export const run = {
  run(input) {
    const told = JSON.parse(input);
    if (told.fail) throw new Error(told.fail);
    const start = clock.now();
    const timers = [clock.subscribeDuration(told.sleep_ns), clock.subscribeDuration(told.sleep_ns * 1000)];
    const ready = poll.poll(timers);
    return JSON.stringify({
      now: Date.now(),
      random: [Math.random(), Math.random()],
      ready: Array.from(ready),
      slept_ns: Number(clock.now() - start),
    });
  },
};
