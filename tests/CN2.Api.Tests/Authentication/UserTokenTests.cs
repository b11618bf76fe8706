using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CN2.Api.Access;
using CN2.Api.Tests.Fixtures;
using Microsoft.IdentityModel.Tokens;

namespace CN2.Api.Tests.Authentication;

/// <summary>JWTs, the keys in a file: each one that proves nothing is refused with the reason, and with nothing else.</summary>
public sealed class UserTokenTests(KeyFileServer api) : IClassFixture<KeyFileServer>
{
    private const string Algorithms = "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512";
    private const string WrongAlgorithm = $"the token is not signed by an algorithm that counts here ({Algorithms})";
    private const string UnknownKey = "the token is signed by a key that the identity provider does not have";

    [Theory]
    [InlineData("RS256")]
    [InlineData("RS384")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("PS384")]
    [InlineData("PS512")]
    [InlineData("ES256")]
    [InlineData("ES384")]
    [InlineData("ES512")]
    public async Task A_token_says_who_the_user_is_and_in_which_groups(string algorithm)
    {
        var caller = (await api.WithTokenAsync(api.Token(algorithm: algorithm))).IsFrom(CallerKind.User, "alice");
        Assert.Equal(["ops", "web"], caller.Groups);
    }

    [Fact]
    public async Task Groups_may_be_one_text_or_none()
    {
        Assert.Equal(["ops"], (await api.WithTokenAsync(api.Token(c => c["groups"] = "ops"))).IsFrom(CallerKind.User, "alice").Groups);
        Assert.Empty((await api.WithTokenAsync(api.Token(c => c.Remove("groups")))).IsFrom(CallerKind.User, "alice").Groups);
        Assert.Empty((await api.WithTokenAsync(api.Token(c => c["groups"] = 7))).IsFrom(CallerKind.User, "alice").Groups);
    }

    [Fact]
    public async Task An_audience_among_several_is_enough() =>
        (await api.WithTokenAsync(api.Token(c => c["aud"] = new[] { "portal", KeyFileServer.Audience }))).IsFrom(CallerKind.User, "alice");

    /// <summary>One key of the file checks it, and the token names none.</summary>
    [Fact]
    public async Task A_token_that_names_no_key_is_checked_by_all()
    {
        var key = new RsaSecurityKey(api.Rsa);
        (await api.WithTokenAsync(TestKeys.Token(new SigningCredentials(key, "RS256"), KeyFileServer.Claims()))).IsFrom(CallerKind.User, "alice");
    }

    [Fact]
    public async Task A_token_that_is_not_signed_is_refused()
    {
        (await api.WithTokenAsync(TestKeys.Token(null, KeyFileServer.Claims()))).IsRefused(WrongAlgorithm);
        foreach (var none in (string[])["none", "None", "NONE", "nOnE", "", "rs256"])
        {
            var forged = $"{Encoded(new { alg = none, typ = "JWT", kid = "rsa" })}.{api.Token().Split('.')[1]}.";
            (await api.WithTokenAsync(forged)).IsRefused(WrongAlgorithm);
            (await api.WithTokenAsync(forged + api.Token().Split('.')[2])).IsRefused(WrongAlgorithm);
        }
    }

    /// <summary>Whoever takes the public key for a shared secret can be made to believe anybody.</summary>
    [Theory]
    [InlineData("HS256")]
    [InlineData("HS384")]
    [InlineData("HS512")]
    public async Task A_token_with_an_HMAC_by_the_public_key_is_refused(string algorithm)
    {
        foreach (var secret in (byte[][])[api.Rsa.ExportSubjectPublicKeyInfo(), Encoding.ASCII.GetBytes(api.Rsa.ExportSubjectPublicKeyInfoPem()), Encoding.UTF8.GetBytes(api.KeySet())])
        {
            var key = new SymmetricSecurityKey(secret) { KeyId = "rsa" };
            (await api.WithTokenAsync(TestKeys.Token(new SigningCredentials(key, algorithm), KeyFileServer.Claims()))).IsRefused(WrongAlgorithm);
        }
    }

    [Fact]
    public async Task A_token_signed_by_another_key_is_refused()
    {
        using var other = RSA.Create(2048);
        (await api.WithTokenAsync(TestKeys.Token(new SigningCredentials(TestKeys.Of(other, "another"), "RS256"), KeyFileServer.Claims()))).IsRefused(UnknownKey);
        (await api.WithTokenAsync(TestKeys.Token(new SigningCredentials(TestKeys.Of(other, "rsa"), "RS256"), KeyFileServer.Claims()))).IsRefused("the token has a signature that is not right");
    }

    /// <summary>What a header says of keys elsewhere (jku, x5u, jwk) is the sender's word and counts nothing.</summary>
    [Fact]
    public async Task A_token_that_brings_its_own_key_is_refused()
    {
        using var own = RSA.Create(2048);
        var jwk = JsonSerializer.SerializeToElement(JsonDocument.Parse(TestKeys.Set(TestKeys.Of(own, "rsa"))).RootElement.GetProperty("keys")[0]);
        foreach (var (name, value) in ((string, object)[])[("jwk", jwk), ("jku", "http://127.0.0.1:1/keys"), ("x5u", "http://127.0.0.1:1/key")])
            (await api.WithTokenAsync(TestKeys.Token(new SigningCredentials(TestKeys.Of(own, "rsa"), "RS256"), KeyFileServer.Claims(), new() { [name] = value }))).IsRefused("the token has a signature that is not right");
        (await api.WithTokenAsync(TestKeys.Token(api.By("RS256"), KeyFileServer.Claims(), new() { ["crit"] = new[] { "b64" } }))).IsRefused("the token has a header crit, which this server does not know");
    }

    [Fact]
    public async Task A_token_that_was_changed_is_refused()
    {
        var parts = api.Token().Split('.');
        var payload = Encoding.UTF8.GetString(Base64UrlEncoder.DecodeBytes(parts[1])).Replace("alice", "admin", StringComparison.Ordinal);
        (await api.WithTokenAsync($"{parts[0]}.{Base64UrlEncoder.Encode(payload)}.{parts[2]}")).IsRefused("the token has a signature that is not right");
        // The last character of a signature holds bits that do not count; the first one does.
        (await api.WithTokenAsync($"{parts[0]}.{parts[1]}.{(parts[2][0] == 'A' ? 'B' : 'A')}{parts[2][1..]}")).IsRefused("the token has a signature that is not right");
        (await api.WithTokenAsync($"{parts[0]}.{parts[1]}.")).IsRefused("the token has a signature that is not right");
    }

    [Fact]
    public async Task Clocks_may_be_a_minute_apart_and_no_further()
    {
        (await api.WithTokenAsync(api.Token(c => (c["nbf"], c["exp"]) = (KeyFileServer.Now(-600), KeyFileServer.Now(-30))))).IsFrom(CallerKind.User, "alice");
        (await api.WithTokenAsync(api.Token(c => (c["nbf"], c["exp"]) = (KeyFileServer.Now(-600), KeyFileServer.Now(-90))))).IsRefused("the token has expired");
        (await api.WithTokenAsync(api.Token(c => c["nbf"] = KeyFileServer.Now(30)))).IsFrom(CallerKind.User, "alice");
        (await api.WithTokenAsync(api.Token(c => c["nbf"] = KeyFileServer.Now(120)))).IsRefused("the token is not valid yet");
        // Five minutes apart, in either direction.
        (await api.WithTokenAsync(api.Token(c => (c["nbf"], c["exp"]) = (KeyFileServer.Now(300), KeyFileServer.Now(600))))).IsRefused("the token is not valid yet");
        (await api.WithTokenAsync(api.Token(c => (c["nbf"], c["exp"]) = (KeyFileServer.Now(-600), KeyFileServer.Now(-300))))).IsRefused("the token has expired");
    }

    [Fact]
    public async Task A_token_without_an_end_is_refused() => (await api.WithTokenAsync(api.Token(c => c.Remove("exp")))).IsRefused("the token never expires, and has to");

    /// <summary>The signature is right, and the time is none of the calendar.</summary>
    [Theory]
    [InlineData("exp", 1e18)]
    [InlineData("exp", 253_402_300_799d)]
    [InlineData("exp", -1d)]
    [InlineData("nbf", -1e18)]
    [InlineData("iat", 1e18)]
    [InlineData("iat", -5d)]
    [InlineData("exp", 1e300)]
    public async Task A_time_that_no_clock_shows_is_a_401(string claim, double time)
    {
        foreach (var value in (object[])[time, double.Abs(time) < 1e18 ? (long)time : 1_000_000_000_000_000_000L, time + 0.5])
        {
            if (claim == "nbf" && value is > 0L) continue;
            var asked = await api.WithTokenAsync(api.Token(c => c[claim] = value));
            Assert.True(asked.Status == 401, $"{claim} {value}: {asked.Status} {asked.Text}");
            Assert.Contains("error=\"invalid_token\"", asked.Challenge, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_time_with_a_fraction_is_a_time() => (await api.WithTokenAsync(api.Token(c => c["exp"] = KeyFileServer.Now(300) + 0.5))).IsFrom(CallerKind.User, "alice");

    /// <summary>Whoever shows nothing costs the server as much as one whose token is wrong.</summary>
    [Fact]
    public async Task Requests_without_a_token_are_failed_attempts_at_both_doors()
    {
        (string, string) from = (CallerServer.Header, "198.51.100.78");
        var (tried, last) = (0, await api.AskAsync("/v1/namespaces", from));
        for (; last.Status == 401; tried++)
        {
            Assert.InRange(tried, 0, 2000);
            last = await api.AskAsync(tried % 2 == 0 ? new Uri(api.Kubernetes, "/api/v1/pods") : new Uri(api.Rest, $"/nowhere/{tried}"), from);
        }

        Assert.Equal(429, last.Status);
        Assert.InRange(tried, CN2.Network.Resources.Limits.FailedAttempts - 1, 2000);
        (await api.AskAsync("/v1/namespaces", ("Authorization", $"Bearer {api.AdminToken}"), from)).IsFrom(CallerKind.Token, "admin"); // the same address
        Assert.Equal(401, (await api.AskAsync("/v1/namespaces", (CallerServer.Header, "198.51.100.79"))).Status);
    }

    [Fact]
    public async Task A_token_for_others_is_refused()
    {
        (await api.WithTokenAsync(api.Token(c => c["aud"] = "portal"))).IsRefused("the token is made for another audience");
        (await api.WithTokenAsync(api.Token(c => c.Remove("aud")))).IsRefused("the token is made for another audience");
        (await api.WithTokenAsync(api.Token(c => c["iss"] = "https://other.example"))).IsRefused("the token is of another issuer");
        (await api.WithTokenAsync(api.Token(c => c["iss"] = KeyFileServer.Issuer + "/"))).IsRefused("the token is of another issuer");
        (await api.WithTokenAsync(api.Token(c => c.Remove("iss")))).IsRefused("the token is of another issuer");
    }

    [Fact]
    public async Task A_token_without_a_name_is_refused()
    {
        foreach (var name in (object?[])[null, "", 7, "a\nb", new string('a', 257)])
        {
            var token = api.Token(c =>
            {
                c.Remove("sub");
                if (name is not null) c["sub"] = name;
            });
            (await api.WithTokenAsync(token)).IsRefused("the token has no claim sub that can be a user's name");
        }

        (await api.WithTokenAsync(api.Token(c => c["sub"] = new[] { "alice", "bob" }))).IsRefused("the token is neither an API token of this server nor a JWT that can be read");
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("a.b")]
    [InlineData("a.b.c")]
    [InlineData("..")]
    [InlineData("eyJhbGciOiJSUzI1NiJ9.e30.")]
    [InlineData("a.b.c.d.e")]
    [InlineData("W10.W10.W10")]
    public async Task What_is_no_token_at_all_is_a_401(string text)
    {
        var asked = await api.WithTokenAsync(text);
        Assert.Equal(401, asked.Status);
        Assert.Contains("error=\"invalid_token\"", asked.Challenge, StringComparison.Ordinal);
        Assert.Null(asked.Caller);
    }

    [Fact]
    public async Task Deep_and_strange_JSON_inside_a_token_is_a_401()
    {
        var signature = api.Token().Split('.')[2];
        var deep = Base64UrlEncoder.Encode(new string('[', 4000));
        foreach (var (header, payload) in ((string, string)[])
        [
            (Base64UrlEncoder.Encode("{\"alg\":\"RS256\",\"kid\":{}}"), "e30"), (Base64UrlEncoder.Encode("{\"alg\":[\"RS256\"]}"), "e30"), (deep, deep),
            (Base64UrlEncoder.Encode("{\"alg\":\"RS256\",\"alg\":\"none\"}"), "e30"), (Base64UrlEncoder.Encode("\u0000"), "e30"),
            (Base64UrlEncoder.Encode("{\"alg\":\"RS256\",\"kid\":\"rsa\"}"), Base64UrlEncoder.Encode("{\"exp\":1e400}")),
        ])
        {
            var asked = await api.WithTokenAsync($"{header}.{payload}.{signature}");
            Assert.True(asked.Status == 401, $"{asked.Status}: {asked.Text}");
        }
    }

    /// <summary>Kestrel's own limit of all headers answers 431; from 16 KiB on it is a 401 that says so.</summary>
    [Fact]
    public async Task A_token_that_is_too_long_is_refused()
    {
        (await api.WithTokenAsync(api.Token(c => c["more"] = new string('x', 16 * 1024)))).IsRefused("the Authorization header is longer than 16 KiB");
        Assert.Equal(431, (await api.WithTokenAsync(api.Token(c => c["more"] = new string('x', 1024 * 1024)))).Status);
    }

    [Fact]
    public async Task New_keys_in_the_file_count_without_a_restart_and_those_that_are_gone_do_not()
    {
        using var fresh = RSA.Create(2048);
        var (old, renewed) = (api.Token(), TestKeys.Token(new SigningCredentials(TestKeys.Of(fresh, "fresh"), "RS256"), KeyFileServer.Claims()));
        (await api.WithTokenAsync(old)).IsFrom(CallerKind.User, "alice");
        (await api.WithTokenAsync(renewed)).IsRefused(UnknownKey);
        try
        {
            await File.WriteAllTextAsync(api.KeysPath, TestKeys.Set(TestKeys.Of(fresh, "fresh")), TestContext.Current.CancellationToken);
            await Eventually.TrueAsync(async () => (await api.WithTokenAsync(renewed)).Status == 200, "the new key counts");
            (await api.WithTokenAsync(old)).IsRefused(UnknownKey); // although it was found right before
            await File.WriteAllTextAsync(api.KeysPath, "{\"keys\": [", TestContext.Current.CancellationToken);
            await Eventually.StaysAsync(() => api.WithTokenAsync(renewed).GetAwaiter().GetResult().Status == 200, "a file that cannot be used keeps the keys before it", TimeSpan.FromSeconds(3));
        }
        finally
        {
            await File.WriteAllTextAsync(api.KeysPath, api.KeySet(), TestContext.Current.CancellationToken);
            await Eventually.TrueAsync(async () => (await api.WithTokenAsync(old)).Status == 200, "the keys of before count again");
        }
    }

    [Fact]
    public async Task An_address_that_tries_too_often_gets_429_and_its_neighbour_with_a_token_that_counts_goes_on()
    {
        (string, string) from = (CallerServer.Header, "198.51.100.77");
        var good = ("Authorization", $"Bearer {api.Token()}");
        (await api.AskAsync("/v1/namespaces", good, from)).IsFrom(CallerKind.User, "alice");
        AskingServer.Asked refused;
        var tried = 0;
        while ((refused = await api.AskAsync("/v1/namespaces", ("Authorization", $"Bearer {api.Token(c => c["aud"] = $"portal{tried}")}"), from)).Status == 401) Assert.InRange(++tried, 0, 2000);
        Assert.Equal(429, refused.Status);
        Assert.InRange(tried, CN2.Network.Resources.Limits.FailedAttempts, 2000);
        (await api.AskAsync("/v1/namespaces", good, from)).IsFrom(CallerKind.User, "alice"); // the same address
        (await api.AskAsync("/v1/namespaces", ("Authorization", $"Bearer {api.AdminToken}"), from)).IsFrom(CallerKind.Token, "admin");
        (await api.WithTokenAsync(api.Token(c => c["aud"] = "portal"))).IsRefused("the token is made for another audience"); // another address
    }

    private static string Encoded(object header) => Base64UrlEncoder.Encode(JsonSerializer.Serialize(header));
}
