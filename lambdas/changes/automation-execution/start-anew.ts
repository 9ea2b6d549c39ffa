import { nameBasedUuid } from '../../model/name-based-uuid.ts';
import type { Change } from '../change.ts';
import { isStart } from './is-start.ts';
import { type AutomationExecutionStart, schema } from './start.ts';

/**
 * Creates the change that starts a document again after its execution has ended. The token is new, because AWS would
 * return the earlier execution for the same token. Other changes are returned unchanged.
 */
export function startAnew(ended: Change): Change | AutomationExecutionStart {
  if (!isStart(ended)) return ended;
  const { executionId: _, ...start } = schema.parse(ended);
  return { ...start, clientToken: nameBasedUuid(`again ${start.clientToken}`) };
}
