import type { z } from 'zod';
import { doctorSchema } from './doctor/result.ts';
import { explanationSchema } from './explain/result.ts';
import { holdSchema } from './hold/result.ts';
import { outcomesSchema } from './outcomes/result.ts';
import { pauseSchema } from './pause/result.ts';
import { planSchema } from './plan/result.ts';
import { pollsSchema } from './poll/result.ts';
import { redriveSchema } from './redrive/result.ts';
import { releaseSchema } from './release/result.ts';
import { resumeSchema } from './resume/result.ts';
import { retrySchema } from './retry/result.ts';
import { statusSchema } from './status/result.ts';
import { undoSchema } from './undo/result.ts';

/** Schemas of what each command prints with `--json`. The commands don't load them: they are for tests and documentation. */
export const resultSchemas: Readonly<Record<string, z.ZodType>> = {
  status: statusSchema,
  outcomes: outcomesSchema,
  explain: explanationSchema,
  doctor: doctorSchema,
  plan: planSchema,
  poll: pollsSchema,
  undo: undoSchema,
  hold: holdSchema,
  release: releaseSchema,
  retry: retrySchema,
  pause: pauseSchema,
  resume: resumeSchema,
  redrive: redriveSchema,
};
