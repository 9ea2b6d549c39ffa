import { type AwsClientOptions, clientDefaults } from '../aws/client-defaults.ts';
import { describeError } from '../aws/errors.ts';
import type { PollSummary } from '../model/poll-summary.ts';
import type { Place } from './sent-jobs.ts';

/** The alarms of a region that say why jobs there don't end, without the deployment's name: `modules/per-region/alarms.tf`. */
export const TELLING: readonly string[] = [
  'jobs-dead-letters',
  'jobs-delayed-dead-letters',
  'oldest-job',
  'remediator-throttled',
];

/** The known alarms of a region. */
type Asked = Pick<PollSummary['behind'][number], 'alarms' | 'notAsked'>;

/** Asks for the names of alarms that tell people of a region's jobs. @throws AWS's own error */
export type AlarmsOfRegion = (region: string) => Promise<readonly string[]>;

/** Reads alarms from CloudWatch, whose client is loaded on demand because most polls do not need it. */
export function alarmsOf(name: string, clientOptions: AwsClientOptions = {}): AlarmsOfRegion {
  return async (region) => {
    const { CloudWatchClient, DescribeAlarmsCommand } = await import('../aws/cloudwatch.ts');
    const client = new CloudWatchClient({ ...clientDefaults, ...clientOptions, region });
    try {
      const AlarmNames = TELLING.map((each) => `${name}-${each}`);
      const { MetricAlarms = [] } = await client.send(new DescribeAlarmsCommand({ AlarmNames }));
      return MetricAlarms.flatMap(({ AlarmName, StateValue }) =>
        AlarmName !== undefined && StateValue === 'ALARM' ? AlarmName : [],
      );
    } finally {
      client.destroy();
    }
  };
}

/**
 * Adds to each place that is behind the alarms of its region that have notified people why: one cause is one message. Where they
 * can't be asked, none has, and why is said instead.
 */
export async function withAlarms(
  places: readonly (Place & { readonly since: string })[],
  ask: AlarmsOfRegion,
): Promise<PollSummary['behind']> {
  const regions = [...new Set(places.map(({ region }) => region))];
  const answers = new Map(
    await Promise.all(
      regions.map(async (region): Promise<[string, Asked]> => {
        try {
          return [region, { alarms: [...(await ask(region))] }];
        } catch (error) {
          return [region, { alarms: [], notAsked: describeError(error) }];
        }
      }),
    ),
  );
  return places.map((place) => ({ ...place, ...(answers.get(place.region) ?? { alarms: [] }) }));
}
