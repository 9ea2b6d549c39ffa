interface Scheduled {
  readonly name: string;
  readonly needs: readonly string[];
  /** True if it needs no slot, because it mostly waits for the network. */
  readonly preparation?: boolean;
}

/**
 * Runs steps, each as soon as the steps that it needs have succeeded, at most `slots` in parallel, in their order. A step that
 * needs a failed one is not run.
 * @param run runs a step, and returns whether it succeeded
 * @param skip called with each step that is not run, and the failed step that it needs
 */
export async function schedule<S extends Scheduled>(options: {
  steps: readonly S[];
  slots: number;
  run: (step: S) => Promise<boolean>;
  skip: (step: S, failed: string) => void;
}): Promise<void> {
  const { steps, slots, run, skip } = options;
  const waiting = new Set(steps);
  const succeeded = new Map<string, boolean>();
  const running = new Map<S, Promise<void>>();
  const taken = () => [...running.keys()].filter(({ preparation }) => preparation !== true).length;

  for (;;) {
    for (const step of waiting) {
      const failed = step.needs.find((need) => succeeded.get(need) === false);
      if (failed !== undefined) {
        waiting.delete(step);
        succeeded.set(step.name, false);
        skip(step, failed);
        continue;
      }
      const ready = step.needs.every((need) => succeeded.get(need) === true);
      if (!ready || (step.preparation !== true && taken() >= slots)) continue;
      waiting.delete(step);
      const finished = run(step).then((success) => {
        succeeded.set(step.name, success);
        running.delete(step);
      });
      running.set(step, finished);
    }
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  if (waiting.size > 0) {
    throw new Error(`these steps need each other: ${[...waiting].map(({ name }) => name).join(', ')}`);
  }
}
