/**
 * Runs the remediator's handler once, in a process that can be killed. The event stands in the environment variable
 * EVENT; the last line of the output is the handler's answer. CLOCK_AHEAD is how many milliseconds the process's clock is
 * ahead: time that nobody waited for.
 */
import { handler } from '../../../lambdas/remediator/index.ts';
import { lambdaContext } from './lambda-context.ts';

const { now } = Date;
const ahead = Number(process.env['CLOCK_AHEAD'] ?? 0);
Date.now = () => now() + ahead;

const answer = await handler(JSON.parse(process.env['EVENT'] ?? ''), lambdaContext());
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit());
