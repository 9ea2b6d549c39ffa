/**
 * Runs the remediator's handler once, in a process that can be killed. The event stands in the environment variable
 * EVENT; the last line of the output is the handler's answer.
 */
import { handler } from '../../../lambdas/remediator/index.ts';
import { lambdaContext } from './lambda-context.ts';

const answer = await handler(JSON.parse(process.env['EVENT'] ?? ''), lambdaContext());
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit());
