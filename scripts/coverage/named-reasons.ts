import type { NetskopeRule } from './reasons.ts';

interface Reason {
  readonly fits: (rule: NetskopeRule) => boolean;
  readonly reason: string;
}

const named = (pattern: RegExp, reason: string): Reason => ({
  fits: ({ name }) => pattern.test(name),
  reason,
});

/** A property that a custom rule can set. `value` describes the value, if the owner must choose it. */
const settable = (pattern: RegExp, property: string, value = ''): Reason =>
  named(pattern, `A custom rule with \`desired_state\` can set it: ${property}${value}.`);

const decision = (pattern: RegExp, why: string): Reason =>
  named(pattern, `Needs an owner's decision: ${why}.`);

const atCreation = (pattern: RegExp, what: string): Reason =>
  named(pattern, `Create-only: ${what}. Recreate the resource.`);

const byRunbook = (pattern: RegExp, why: string): Reason =>
  named(pattern, `${why}: use a custom rule with a runbook.`);

/** Reasons for rules whose name identifies the property. */
export const namedReasons: readonly Reason[] = [
  settable(
    /SSL certificates for backend/,
    '`AWS::ApiGateway::Stage` `/ClientCertificateId`',
    ', with your certificate, which the backend must trust',
  ),
  settable(/X-Ray tracing enabled/, '`AWS::ApiGateway::Stage` `/TracingEnabled`'),
  decision(
    /REST and WebSocket API logging/,
    "the level, the log group, and the account's role for API Gateway",
  ),
  decision(/associated with an AWS WAF web ACL/, 'which web ACL to associate'),
  named(
    /WAF Classic global web ACL logging/,
    'Cloud Control cannot update `AWS::WAF::WebACL`, and the logs need your delivery stream: use a custom rule with a runbook.',
  ),
  settable(
    /use load balancer health checks/,
    '`AWS::AutoScaling::AutoScalingGroup` `/HealthCheckType`',
    '; instances that fail the check are replaced',
  ),
  decision(/roles are not passed to CloudFormation/, "a stack's role can be replaced, but not removed"),
  settable(
    /distributions should have AWS WAF/,
    '`AWS::CloudFront::Distribution` `/DistributionConfig/WebACLId`',
    ', with your web ACL',
  ),
  settable(
    /distributions should have logging/,
    '`AWS::CloudFront::Distribution` `/DistributionConfig/Logging`',
    ', with your log bucket',
  ),
  settable(
    /default root object/,
    '`AWS::CloudFront::Distribution` `/DistributionConfig/DefaultRootObject`',
    ', with the name of your object',
  ),
  settable(
    /distributions should require encryption in transit/,
    '`AWS::CloudFront::Distribution` `/DistributionConfig/DefaultCacheBehavior/ViewerProtocolPolicy`',
    '; the other cache behaviors are items of a list, which a pointer cannot name',
  ),
  decision(/origin access identity/, "the bucket's policy must allow the identity first"),
  decision(/origin failover/, 'it needs a second origin'),
  settable(
    /trails are integrated with CloudWatch Logs/,
    '`AWS::CloudTrail::Trail` `/CloudWatchLogsLogGroupArn` and `/CloudWatchLogsRoleArn`',
    ', with your log group and role',
  ),
  settable(/Lack of Global Service Event/, '`AWS::CloudTrail::Trail` `/IncludeGlobalServiceEvents`'),
  named(
    /S3 bucket CloudTrail logs to is not publicly accessible/,
    'The finding is about a trail: `s3-bucket-public` closes the bucket when Netskope reports the bucket itself.',
  ),
  decision(
    /CloudTrail - Lack of API Access Logging|CloudTrail (logs to S3Bucket|sends SNS notifications) without any failures/,
    'the finding is about a trail, but the bucket or topic to which it delivers must be changed',
  ),
  settable(/alarm has at least one Action/, '`AWS::CloudWatch::Alarm` `/AlarmActions`', ', with your topic'),
  named(/repository URLs should use OAuth/, 'Needs a person to authorize the connection.'),
  decision(/clear text credentials/, 'the credentials must be replaced, and kept elsewhere'),
  atCreation(
    /SageMaker notebook instances should not have direct/,
    '`AWS::SageMaker::NotebookInstance` `/DirectInternetAccess`',
  ),
  atCreation(/replication instances should not be public/, 'AWS DMS accepts public access only at creation'),
  decision(/DynamoDB tables are backed up/, 'how often, where and how long backups are kept'),
  decision(/tables should automatically scale/, 'the limits of the capacity, or on-demand billing'),
  named(
    /managed by (AWS )?Systems Manager/,
    'Needs work inside the instance (the agent, a role, patches), not a setting of it.',
  ),
  byRunbook(/EBS snapshots should not be public/, "No CloudFormation type contains a snapshot's permissions"),
  named(
    /Unused EC2 Security Groups|Unused network access control lists/,
    'The fix would delete something, which cannot be undone.',
  ),
  decision(/use VPC endpoints/, 'it creates an endpoint, for which AWS charges, in subnets of your choice'),
  decision(
    /EC2 instances should not have a public IP|multiple ENIs/,
    'the address or interface may be in use, and some can be set only at launch',
  ),
  settable(
    /use IMDSv2/,
    '`AWS::EC2::Instance` `/MetadataOptions/HttpTokens`',
    '; programs that support only version 1 lose their credentials',
  ),
  decision(
    /VPC Flow Log records are successfully/,
    "the destination's permissions or policy make deliveries fail",
  ),
  settable(
    /Image Vulnerability Scanning/,
    '`AWS::ECR::Repository` `/ImageScanningConfiguration/ScanOnPush`',
    ", unless the registry's setting takes precedence",
  ),
  decision(
    /ECS services should not have public IP/,
    'tasks without a public address need another outbound route',
  ),
  atCreation(/ECS task definitions/, 'a revision of a task definition never changes'),
  decision(/Consider Fargate/, 'which workloads are not trusted'),
  settable(
    /Private Endpoint Enabled and Public Access Disabled/,
    '`AWS::EKS::Cluster` `/ResourcesVpcConfig/EndpointPrivateAccess` and `/ResourcesVpcConfig/EndpointPublicAccess`',
    '; clients outside the VPC lose the connection',
  ),
  settable(/EKS Clusters have logging/, '`AWS::EKS::Cluster` `/Logging/ClusterLogging/EnabledTypes`'),
  settable(
    /Restrict Access to the Control Plane/,
    '`AWS::EKS::Cluster` `/ResourcesVpcConfig/PublicAccessCidrs`',
    ', with your ranges',
  ),
  atCreation(
    /EMR cluster master nodes/,
    'at launch, the subnet determines whether a node has a public address',
  ),
  byRunbook(/Elastic Beanstalk/, 'The options can be written by Cloud Control, but not read'),
  settable(
    /Classic Load Balancers logging/,
    '`AWS::ElasticLoadBalancing::LoadBalancer` `/AccessLoggingPolicy/Enabled` and `/AccessLoggingPolicy/S3BucketName`',
    ', with your log bucket',
  ),
  settable(
    /connection draining enabled/,
    '`AWS::ElasticLoadBalancing::LoadBalancer` `/ConnectionDrainingPolicy/Enabled`',
  ),
  settable(
    /older SSL\/TLS policies/,
    '`AWS::ElasticLoadBalancingV2::Listener` `/SslPolicy`',
    ', with your policy, if findings name the listener; clients that support only older versions lose the connection',
  ),
  decision(
    /redirect all HTTP requests to HTTPS/,
    "a listener's actions must be rewritten, and HTTPS needs a listener with your certificate",
  ),
  decision(/listeners should be configured with HTTPS or TLS/, 'the listener needs your certificate'),
  atCreation(
    /Elasticsearch domains should be in a VPC/,
    'a domain with a public endpoint never moves into a VPC',
  ),
  byRunbook(
    /Elasticsearch domain.*(error logging|audit logging|master nodes|data nodes|TLS 1\.2)/,
    'Cloud Control cannot update `AWS::Elasticsearch::Domain`',
  ),
  named(
    /GuardDuty should be enabled|IAM Access analyzer is enabled/,
    'Requires something for the whole account (a detector, an analyzer): create it in your landing zone.',
  ),
  named(
    /allow decryption and re-encryption actions/,
    'Only the owner knows who needs the access: a change can lock people or workloads out.',
  ),
  decision(/KMS keys should not be unintentionally deleted/, 'whether the deletion is intended'),
  decision(/lambda functions using environmental/, "the function's code must decrypt the values"),
  decision(/Lambda execution role|administrative level execution/, 'what the function must be able to do'),
  byRunbook(/have an associated Tag/, 'Tags are a list of key-value pairs, which a pointer cannot address'),
  decision(/supported runtimes/, 'the code must be tested with the newer runtime'),
  atCreation(/backtracking enabled/, 'backtracking can be enabled only when a cluster is created'),
  named(
    /Weak RDS backup policy/,
    'The change replaces the resource, or may replace it: the owner must plan that.',
  ),
  settable(
    /Database logging should be enabled/,
    '`AWS::RDS::DBInstance` `/EnableCloudwatchLogsExports`',
    ", with your engine's logs",
  ),
  settable(
    /detailed monitoring enabled/,
    '`AWS::RDS::DBInstance` `/MonitoringInterval` and `/MonitoringRoleArn`',
    ', with your role',
  ),
  settable(
    /IAM authentication should be configured for RDS clusters/,
    '`AWS::RDS::DBCluster` `/EnableIAMDatabaseAuthentication`',
    '; not every engine has it',
  ),
  decision(/clusters should be configured for multiple Availability/, 'additional instances cost money'),
  settable(
    /automated snapshots are enabled/,
    '`AWS::Redshift::Cluster` `/AutomatedSnapshotRetentionPeriod`',
    ', with your number of days',
  ),
  decision(
    /Redshift Parameter Groups Disable Logging|require_ssl disabled/,
    "a parameter group may serve several clusters, AWS's default one cannot be changed, and some parameters need a restart",
  ),
  byRunbook(/Domain (Transfer Lock|Auto Renew)/, 'No CloudFormation type represents a registered domain'),
  settable(
    /Lack of Logging For Access to S3/,
    '`AWS::S3::Bucket` `/LoggingConfiguration`',
    ', with your log bucket',
  ),
];
