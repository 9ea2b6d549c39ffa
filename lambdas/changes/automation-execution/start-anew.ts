import { nameBasedUuid } from '../../model/name-based-uuid.ts';
import type { Change } from '../change.ts';
import { isStart } from './is-start.ts';
import { type AutomationExecutionStart, schema } from './start.ts';

/**
 * Makes the change that starts a document again of one whose execution has ended. With the same token, AWS would name the
 * execution that there was. Other changes are made again as they are.
 */
export function startAnew(ended: Change): Change | AutomationExecutionStart {
  if (!isStart(ended)) return ended;
  const { executionId: _, ...start } = schema.parse(ended);
  return { ...start, clientToken: nameBasedUuid(`again ${start.clientToken}`) };
}
