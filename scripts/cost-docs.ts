/**
 * Writes the figures in `docs/cost.md`, from the measured calls of jobs in `docs/measured-calls.json`, the alarms that Terraform
 * creates, and AWS's list prices.
 *
 *     node scripts/cost-docs.ts           write
 *     node scripts/cost-docs.ts --check   change nothing; exit 1 when it is stale
 */
import { countAlarms } from './cost/alarm-counts.ts';
import { costText } from './cost/cost-text.ts';
import { readMeasuredCalls } from './cost/measured-calls.ts';
import { readOrEmpty, withGenerated, writeGenerated } from './generated-files.ts';

const file = 'docs/cost.md';
const place = { file, text: await readOrEmpty(file), generator: 'scripts/cost-docs.ts' };
const generated = costText(await readMeasuredCalls(), await countAlarms());
await writeGenerated('cost', new Map([[file, withGenerated(place, `\n${generated}\n\n`)]]));
