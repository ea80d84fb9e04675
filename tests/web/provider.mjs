// A real OpenID provider for tests: listens over TLS on loopback, says on which port, reads the manager's redirect
// address from standard input, then serves. Any name signs in with any password; a name's claims are made of it.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const [certificate, key] = process.argv.slice(2).map((path) => readFileSync(path));
const server = createServer({ cert: certificate, key });
const lines = createInterface({ input: process.stdin });

server.listen(0, '127.0.0.1', () => {
  const issuer = `https://127.0.0.1:${server.address().port}`;
  console.log(`issuer ${issuer}`);
  lines.on('line', (redirect) => {
    const provider = new Provider(issuer, {
      clients: [{ client_id: 'seat pool', client_secret: 'a secret: 100%', redirect_uris: [redirect] }],
      pkce: { required: () => true },
      conformIdTokenClaims: false,
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
      cookies: { keys: ['of a test'] },
      findAccount: (_context, id) => ({
        accountId: id,
        claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: id !== 'mallory', name: `Person ${id}` }),
      }),
    });
    server.removeAllListeners('request');
    server.on('request', provider.callback());
    console.log('ready');
  });
});
lines.on('close', () => process.exit(0));
