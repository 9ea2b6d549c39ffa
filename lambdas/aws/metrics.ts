import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

const metrics = new Metrics();

/**
 * Counts something in CloudWatch, in the embedded metric format: one log line each, for they have different dimensions.
 * @param rule the id of the rule that it is counted by, in addition to `service`; without it, by `service` alone
 */
export function count(name: string, value: number, rule?: string): void {
  const metric = metrics.singleMetric();
  if (rule !== undefined) metric.addDimension('rule', rule);
  metric.addMetric(name, MetricUnit.Count, value);
}
