import type { IncomingHttpHeaders } from 'node:http';

/** An operation of a service that distinguishes its calls by method, path, and query, and the resource that the path names. */
export interface RestOperation {
  readonly operation: string;
  readonly labels: Readonly<Record<string, string>>;
}

type Methods = Readonly<Partial<Record<'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD', string>>>;

/**
 * Operations on a bucket by a key in the query. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html
 */
const BUCKET_SUBRESOURCES: Readonly<Record<string, Methods>> = {
  publicAccessBlock: {
    GET: 'GetPublicAccessBlock',
    PUT: 'PutPublicAccessBlock',
    DELETE: 'DeletePublicAccessBlock',
  },
  acl: { GET: 'GetBucketAcl', PUT: 'PutBucketAcl' },
  policyStatus: { GET: 'GetBucketPolicyStatus' },
  policy: { GET: 'GetBucketPolicy', PUT: 'PutBucketPolicy', DELETE: 'DeleteBucketPolicy' },
  tagging: { GET: 'GetBucketTagging', PUT: 'PutBucketTagging', DELETE: 'DeleteBucketTagging' },
  location: { GET: 'GetBucketLocation' },
  ownershipControls: {
    GET: 'GetBucketOwnershipControls',
    PUT: 'PutBucketOwnershipControls',
    DELETE: 'DeleteBucketOwnershipControls',
  },
  versioning: { GET: 'GetBucketVersioning', PUT: 'PutBucketVersioning' },
  encryption: { GET: 'GetBucketEncryption', PUT: 'PutBucketEncryption', DELETE: 'DeleteBucketEncryption' },
  lifecycle: {
    GET: 'GetBucketLifecycleConfiguration',
    PUT: 'PutBucketLifecycleConfiguration',
    DELETE: 'DeleteBucketLifecycle',
  },
  website: { GET: 'GetBucketWebsite', PUT: 'PutBucketWebsite', DELETE: 'DeleteBucketWebsite' },
  cors: { GET: 'GetBucketCors', PUT: 'PutBucketCors', DELETE: 'DeleteBucketCors' },
  logging: { GET: 'GetBucketLogging', PUT: 'PutBucketLogging' },
  versions: { GET: 'ListObjectVersions' },
  delete: { POST: 'DeleteObjects' },
};

const OBJECT_SUBRESOURCES: Readonly<Record<string, Methods>> = {
  acl: { GET: 'GetObjectAcl', PUT: 'PutObjectAcl' },
  tagging: { GET: 'GetObjectTagging', PUT: 'PutObjectTagging', DELETE: 'DeleteObjectTagging' },
};

const BUCKET: Methods = {
  GET: 'ListObjects',
  PUT: 'CreateBucket',
  DELETE: 'DeleteBucket',
  HEAD: 'HeadBucket',
};
const OBJECT: Methods = { GET: 'GetObject', PUT: 'PutObject', DELETE: 'DeleteObject', HEAD: 'HeadObject' };

type Route = readonly [method: string, path: RegExp, operation: string];

/** The calls of S3 Control, which signs as `s3`. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_AWS_S3_Control.html */
const S3_CONTROL_ROUTES: readonly Route[] = [
  ['GET', /^\/v20180820\/accesspoint$/, 'ListAccessPoints'],
  ['PUT', /^\/v20180820\/accesspoint\/(?<Name>[^/]+)$/, 'CreateAccessPoint'],
  ['PUT', /^\/v20180820\/accesspoint\/(?<Name>[^/]+)\/policy$/, 'PutAccessPointPolicy'],
  ['GET', /^\/v20180820\/accesspoint\/(?<Name>[^/]+)\/policyStatus$/, 'GetAccessPointPolicyStatus'],
];

/** Buckets are addressed by path, as clients do when the endpoint is an IP address. */
export function s3Operation(method: string, url: URL, headers: IncomingHttpHeaders): RestOperation {
  // Only S3 Control's calls have this header.
  if (headers['x-amz-account-id'] !== undefined) return route(S3_CONTROL_ROUTES, method, url);
  const [bucket = '', ...rest] = url.pathname.slice(1).split('/');
  const key = rest.join('/');
  const query = url.searchParams;
  if (bucket === '') return { operation: method === 'GET' ? 'ListBuckets' : 'Unknown', labels: {} };
  const labels = {
    Bucket: decodeURIComponent(bucket),
    ...(key !== '' && { Key: decodeURIComponent(key) }),
  };
  const subresources = key === '' ? BUCKET_SUBRESOURCES : OBJECT_SUBRESOURCES;
  const subresource = Object.keys(subresources).find((name) => query.has(name));
  if (subresource !== undefined) return { operation: named(subresources[subresource], method), labels };
  if (key === '' && query.get('list-type') === '2') return { operation: 'ListObjectsV2', labels };
  if (headers['x-amz-copy-source'] !== undefined) return { operation: 'CopyObject', labels };
  return { operation: named(key === '' ? BUCKET : OBJECT, method), labels };
}

function named(methods: Methods | undefined, method: string): string {
  return Object.entries(methods ?? {}).find(([name]) => name === method)?.[1] ?? 'Unknown';
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html */
const LAMBDA_ROUTES: readonly Route[] = [
  ['POST', /^\/2015-03-31\/functions\/(?<FunctionName>[^/]+)\/invocations$/, 'Invoke'],
  ['POST', /^\/2015-03-31\/functions\/?$/, 'CreateFunction'],
  ['GET', /^\/2015-03-31\/functions\/?$/, 'ListFunctions'],
  ['GET', /^\/2015-03-31\/functions\/(?<FunctionName>[^/]+)$/, 'GetFunction'],
  ['DELETE', /^\/2015-03-31\/functions\/(?<FunctionName>[^/]+)$/, 'DeleteFunction'],
  ['GET', /^\/2015-03-31\/functions\/(?<FunctionName>[^/]+)\/configuration$/, 'GetFunctionConfiguration'],
  ['PUT', /^\/2015-03-31\/functions\/(?<FunctionName>[^/]+)\/configuration$/, 'UpdateFunctionConfiguration'],
  ['PUT', /^\/2015-03-31\/functions\/(?<FunctionName>[^/]+)\/code$/, 'UpdateFunctionCode'],
  ['GET', /^\/2016-08-19\/account-settings\/?$/, 'GetAccountSettings'],
  ['POST', /^\/2015-03-31\/event-source-mappings\/?$/, 'CreateEventSourceMapping'],
  ['GET', /^\/2015-03-31\/event-source-mappings\/?$/, 'ListEventSourceMappings'],
  ['GET', /^\/2015-03-31\/event-source-mappings\/(?<UUID>[^/]+)$/, 'GetEventSourceMapping'],
  ['PUT', /^\/2015-03-31\/event-source-mappings\/(?<UUID>[^/]+)$/, 'UpdateEventSourceMapping'],
  ['DELETE', /^\/2015-03-31\/event-source-mappings\/(?<UUID>[^/]+)$/, 'DeleteEventSourceMapping'],
];

/** https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Operations.html */
const SCHEDULER_ROUTES: readonly Route[] = [
  ['GET', /^\/schedules$/, 'ListSchedules'],
  ['GET', /^\/schedules\/(?<Name>[^/]+)$/, 'GetSchedule'],
  ['POST', /^\/schedules\/(?<Name>[^/]+)$/, 'CreateSchedule'],
  ['PUT', /^\/schedules\/(?<Name>[^/]+)$/, 'UpdateSchedule'],
  ['DELETE', /^\/schedules\/(?<Name>[^/]+)$/, 'DeleteSchedule'],
  ['GET', /^\/schedule-groups\/(?<Name>[^/]+)$/, 'GetScheduleGroup'],
  ['POST', /^\/schedule-groups\/(?<Name>[^/]+)$/, 'CreateScheduleGroup'],
  ['DELETE', /^\/schedule-groups\/(?<Name>[^/]+)$/, 'DeleteScheduleGroup'],
];

export const lambdaOperation = (method: string, url: URL) => route(LAMBDA_ROUTES, method, url);
export const schedulerOperation = (method: string, url: URL) => route(SCHEDULER_ROUTES, method, url);

function route(routes: readonly Route[], method: string, url: URL): RestOperation {
  for (const [routeMethod, path, operation] of routes) {
    const match = routeMethod === method ? path.exec(url.pathname) : null;
    if (match === null) continue;
    const labels = Object.entries(match.groups ?? {}).map(([name, value]) => [
      name,
      decodeURIComponent(value),
    ]);
    return { operation, labels: Object.fromEntries(labels) };
  }
  return { operation: 'Unknown', labels: {} };
}
