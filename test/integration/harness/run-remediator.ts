/**
 * Runs the remediator's handler once, in a process that can be killed. The environment variable EVENT contains the
 * event.
 */
import { handler } from '../../../lambdas/remediator/index.ts';
import { lambdaContext } from './lambda-context.ts';

await handler(JSON.parse(process.env['EVENT'] ?? ''), lambdaContext());
process.exit();
