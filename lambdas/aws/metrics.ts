import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

const metrics = new Metrics();

/**
 * Writes a CloudWatch metric in the embedded metric format, one log line per metric, because metrics have different
 * dimensions.
 * @param rule the rule id as a dimension in addition to `service`. Default: `service` is the only dimension
 */
export function count(name: string, value: number, rule?: string): void {
  const metric = metrics.singleMetric();
  if (rule !== undefined) metric.addDimension('rule', rule);
  metric.addMetric(name, MetricUnit.Count, value);
}
