import '../../../lambdas/aws/cloudcontrol.ts';
import '../../../lambdas/aws/cloudtrail.ts';
import '../../../lambdas/aws/cloudwatch.ts';
import '../../../lambdas/aws/cloudwatch-logs.ts';
import '../../../lambdas/aws/ec2.ts';
import '../../../lambdas/aws/eventbridge.ts';
import '../../../lambdas/aws/iam.ts';
import '../../../lambdas/aws/rds.ts';
import '../../../lambdas/aws/redshift.ts';
import '../../../lambdas/aws/s3.ts';
import '../../../lambdas/aws/s3-control.ts';
import '../../../lambdas/aws/sqs.ts';
import '../../../lambdas/aws/ssm.ts';
import '../../../lambdas/aws/tagging.ts';
import { changeKinds, load } from '../../../lambdas/changes/index.ts';
import { loadRule, ruleIds } from '../../../lambdas/rules/index.ts';

/**
 * Loads the code that the functions load when they need it. Otherwise, files would be read during the first run of a
 * process, and the order of its calls would depend on the time that this takes.
 */
export async function loadCode(): Promise<void> {
  for (const id of ruleIds) await loadRule(id);
  for (const kind of changeKinds) await load({ kind });
}
