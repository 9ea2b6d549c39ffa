import type { Clients } from '../aws/clients.ts';
import { CloudWatchClient, DescribeAlarmsCommand } from '../aws/cloudwatch.ts';

/** An alarm that is in ALARM. */
export interface Alarm {
  readonly region: string;
  /** The name without the prefix of the deployment: `jobs-dead-letters`. */
  readonly name: string;
  readonly since: string | undefined;
  readonly says: string;
}

/** Lists the alarms of a region that are in ALARM. */
export async function alarmsIn(clients: Clients, region: string, deployment: string): Promise<Alarm[]> {
  const alarms: Alarm[] = [];
  let NextToken: string | undefined;
  do {
    const page = await clients.client(CloudWatchClient, region).send(
      new DescribeAlarmsCommand({
        AlarmNamePrefix: `${deployment}-`,
        StateValue: 'ALARM',
        // Without this, composite alarms are left out.
        AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
        ...(NextToken !== undefined && { NextToken }),
      }),
    );
    for (const alarm of [...(page.MetricAlarms ?? []), ...(page.CompositeAlarms ?? [])]) {
      const { AlarmName = '', AlarmDescription = '', StateUpdatedTimestamp, StateValue } = alarm;
      // Some emulators of AWS ignore the filter.
      if (StateValue !== 'ALARM') continue;
      alarms.push({
        region,
        name: AlarmName.slice(deployment.length + 1),
        since: StateUpdatedTimestamp?.toISOString(),
        says: AlarmDescription,
      });
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return alarms;
}
