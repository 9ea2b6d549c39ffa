/**
 * Runs the remediator's handler once, in a process that can be killed. The event stands in the environment variable
 * EVENT.
 */
import { handler } from '../../../lambdas/remediator/index.ts';
import { lambdaContext } from './lambda-context.ts';

await handler(JSON.parse(process.env['EVENT'] ?? ''), lambdaContext());
process.exit();
