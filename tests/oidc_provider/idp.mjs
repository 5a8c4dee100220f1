// A real OpenID Provider on loopback: npm oidc-provider, with the people and the clients that the tests log in with.
//
//     node idp.mjs SETTINGS
//
// SETTINGS is a JSON object: port (0: a free one), issuer (default: http://127.0.0.1:PORT), redirect_uris, post_logout_redirect_uris,
// backchannel_logout_uri, people, ttl (of access tokens, seconds), pkce (required), id_token_claims (all claims into the ID token),
// jwks (private keys to sign with), rotate (refresh tokens are used once). It prints one line of JSON when it listens.
// Everybody's password is whatever they type.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';

const settings = JSON.parse(process.argv[2] || '{}');

const people = {
  alice: { email: 'alice@example.com', email_verified: true, name: 'Alice Ng', preferred_username: 'alice', groups: ['admins', 'devs'] },
  bob: { email: 'bob@example.com', email_verified: true, name: 'Bob Ó Súilleabháin', preferred_username: 'bob', groups: ['devs'] },
  mallory: { email: 'mallory@example.com', email_verified: false, name: 'Mallory\u2028"<script>', preferred_username: 'mallory', groups: [] },
  ...settings.people,
};

const client = (id, method, more) => ({
  client_id: id,
  client_secret: 'a secret + with / odd : characters & enough of them',
  token_endpoint_auth_method: method,
  application_type: 'web',
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: settings.redirect_uris || ['http://localhost:8080/_meshproxy/callback'],
  post_logout_redirect_uris: settings.post_logout_redirect_uris || ['http://localhost:8080/_meshproxy/logged-out'],
  backchannel_logout_uri: settings.backchannel_logout_uri,
  backchannel_logout_session_required: settings.backchannel_logout_uri ? true : undefined,
  ...more,
});

const signing = (type, options, extra) =>
  ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), use: 'sig', ...extra });

const configuration = {
  clients: [
    client('basic', 'client_secret_basic'),
    client('post', 'client_secret_post'),
    client('public', 'none', { client_secret: undefined }),
    client('es256', 'client_secret_basic', { id_token_signed_response_alg: 'ES256' }),
    client('eddsa', 'client_secret_basic', { id_token_signed_response_alg: 'EdDSA' }),
    client('signed-userinfo', 'client_secret_basic', { userinfo_signed_response_alg: 'RS256' }),
    client('pushed', 'client_secret_basic', { require_pushed_authorization_requests: true }),
    client('role:with spaces+and/odd', 'client_secret_basic'),
    ...(settings.client_jwks
      ? [client('key', 'private_key_jwt', { client_secret: undefined, jwks: settings.client_jwks, token_endpoint_auth_signing_alg: undefined })]
      : []),
  ],
  jwks: {
    keys: settings.jwks || [
      signing('rsa', { modulusLength: 2048 }, { kid: 'rsa', alg: 'RS256' }),
      signing('ec', { namedCurve: 'P-256' }, { kid: 'ec', alg: 'ES256' }),
      signing('ed25519', {}, { kid: 'ed' }),
    ],
  },
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'preferred_username'],
    groups: ['groups'],
  },
  scopes: ['openid', 'offline_access'],
  conformIdTokenClaims: !settings.id_token_claims,
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA', 'PS256'], userinfoSigningAlgValues: ['RS256'] },
  pkce: { required: () => settings.pkce !== false },
  features: {
    devInteractions: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    backchannelLogout: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    jwtUserinfo: { enabled: true },
    userinfo: { enabled: true },
  },
  ttl: { AccessToken: settings.ttl || 3600, IdToken: 3600, Session: 86400, Grant: 86400, Interaction: 3600, RefreshToken: 86400 },
  // The provider's own fetch refuses loopback addresses, where the tests wait for its logout tokens.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  cookies: { keys: ['only for tests'] },
  rotateRefreshToken: settings.rotate !== false,
  issueRefreshToken: async (ctx, one) => one.grantTypeAllowed('refresh_token'),
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ...(people[id] || { email: `${id}@example.com`, email_verified: true, name: id, groups: ['devs'] }) }),
  }),
};

// Listen first: the issuer has the port in it.
let handler = (request, response) => { response.statusCode = 503; response.end(); };
const server = createServer((request, response) => handler(request, response));
server.listen(settings.port || 0, '127.0.0.1', () => {
  const issuer = settings.issuer || `http://127.0.0.1:${server.address().port}`;
  handler = new Provider(issuer, configuration).callback();
  console.log(JSON.stringify({ issuer }));
});
