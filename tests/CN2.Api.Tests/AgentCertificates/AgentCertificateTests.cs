using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CN2.Api.AgentCertificates;
using CN2.Api.Tests.Fixtures;
using Google.Protobuf;
using Grpc.Core;
using Npgsql;

namespace CN2.Api.Tests.AgentCertificates;

/// <summary>Which node an agent is, and what it gets for a token, over real connections.</summary>
public sealed class AgentCertificateTests(AgentServer api) : IClassFixture<AgentServer>
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_token_gives_a_certificate_and_the_certificate_connects()
    {
        var (token, _) = await api.TokenAsync("ac-joins", Address(1));
        using var certificate = await TestNode.JoinAsync(api, token);
        Assert.Equal("CN=ac-joins", certificate.Subject);
        Assert.Contains("spiffe://contrail-k8s-kubemanager-cluster1-juniper-local/virtual-router/ac-joins", certificate.Extensions["2.5.29.17"]!.Format(false), StringComparison.Ordinal);
        Assert.Equal(["1.3.6.1.5.5.7.3.2"], certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages.Cast<Oid>().Select(o => o.Value!));
        Assert.Equal(16, certificate.SerialNumberBytes.Length);
        Assert.InRange(DateTime.UtcNow - certificate.NotBefore.ToUniversalTime(), TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(12));
        Assert.InRange(certificate.NotAfter.ToUniversalTime() - DateTime.UtcNow, TimeSpan.FromHours(167), TimeSpan.FromHours(168));
        using var node = new TestNode(api, certificate);
        using var call = await node.ConnectAsync("ac-joins", Address(1));
        await Eventually.TrueAsync(async () => (bool?)(await api.GetAsync("/v1/virtual-routers/ac-joins")).Json?["status"]?["connected"] == true, "it is connected");
        Assert.Contains("joined with a token", (await api.GetAsync("/v1/events?regarding=virtual-routers/ac-joins")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_certificate_nothing_but_joining_is_open()
    {
        using var node = new TestNode(api, null);
        var refused = await TestNode.StatusOfAsync(() => node.ConnectAsync("ac-nobody", Address(2)));
        Assert.Equal((StatusCode.Unauthenticated, true), (refused.StatusCode, refused.Detail.StartsWith("the agent shows no certificate", StringComparison.Ordinal)));
        Assert.Equal(StatusCode.Unauthenticated, (await TestNode.StatusOfAsync(() => node.RenewAsync(NewRequest()))).StatusCode);
        Assert.Equal(404, (await api.GetAsync("/v1/virtual-routers/ac-nobody")).Status);
    }

    [Fact]
    public async Task A_certificate_is_for_its_own_name_only()
    {
        using var certificate = await TestNode.JoinAsync(api, (await api.TokenAsync("ac-own", Address(3))).Token);
        await api.TokenAsync("ac-victim", Address(4));
        using var node = new TestNode(api, certificate);
        var refused = await TestNode.StatusOfAsync(() => node.ConnectAsync("ac-victim", Address(4)));
        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
        Assert.Contains("the certificate of the agent is that of VirtualRouter ac-own, and the agent says it is ac-victim", refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Joins_and_renewals_are_in_the_audit_log_and_so_are_refused_joins()
    {
        var (token, _) = await api.TokenAsync("ac-audited", Address(19));
        using var certificate = await TestNode.JoinAsync(api, token);
        using var node = new TestNode(api, certificate);
        await node.RenewAsync(NewRequest());
        await TestNode.StatusOfAsync(() => TestNode.JoinAsync(api, token));
        var uid = (string?)(await api.GetAsync("/v1/virtual-routers/ac-audited")).Json!["uid"];
        var entries = (await api.GetAsync("/v1/audit?caller=ac-audited")).Expect(200).Json!["items"]!.AsArray();
        Assert.Equal(["renew 200 Agent", "join 200 Agent"], entries.Select(e => $"{e!["verb"]} {e["status"]} {e["caller"]!["kind"]}"));
        Assert.All(entries, e => Assert.Equal(("virtual-routers", "ac-audited", uid), ((string?)e!["resource"], (string?)e["name"], (string?)e["uid"])));
        await Eventually.TrueAsync(async () => (await api.GetAsync("/v1/audit?caller=unknown")).Json!["items"]!.AsArray().Any(e => (string?)e!["verb"] == "join" && (int)e["status"]! == 401), "the refusal is there");
    }

    [Fact]
    public async Task A_node_that_asks_who_has_an_address_learns_no_name_and_does_not_ask_for_long()
    {
        using var certificate = await TestNode.JoinAsync(api, (await api.TokenAsync("ac-asks", Address(21))).Token);
        await api.TokenAsync("ac-asked", Address(22));
        using var node = new TestNode(api, certificate);
        var answers = new List<Status>();
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < 40; i++) answers.Add(await TestNode.StatusOfAsync(() => node.ConnectAsync("ac-asks", Address(22))));
        Assert.All(answers, a => Assert.DoesNotContain("ac-asked", a.Detail, StringComparison.Ordinal));
        Assert.Contains($"the address {Address(22)} is in use by another VirtualRouter", answers[0].Detail, StringComparison.Ordinal);
        Assert.InRange(answers.Count(a => a.StatusCode == StatusCode.AlreadyExists), 1, CN2.Network.Resources.Limits.AgentRefusals + 1 + (int)watch.Elapsed.TotalSeconds);
        Assert.Equal(StatusCode.ResourceExhausted, answers[^1].StatusCode);
        var condition = Reply.Condition((await api.GetAsync("/v1/virtual-routers/ac-asks")).Json, "AddressTaken");
        Assert.Contains($"the address {Address(22)} is that of VirtualRouter ac-asked", (string?)condition!["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_counts_once()
    {
        var (token, _) = await api.TokenAsync("ac-once", Address(5));
        using var first = await TestNode.JoinAsync(api, token);
        var refused = await TestNode.StatusOfAsync(() => TestNode.JoinAsync(api, token));
        Assert.Equal((StatusCode.FailedPrecondition, true), (refused.StatusCode, refused.Detail.StartsWith("the join token was used already", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Of_many_agents_with_one_token_at_once_one_joins()
    {
        var (token, _) = await api.TokenAsync("ac-race", Address(6));
        await using var other = await api.ReplicaAsync();
        var attempts = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            try
            {
                using var certificate = await TestNode.JoinAsync(i % 2 == 0 ? api : other, token);
                return StatusCode.OK;
            }
            catch (RpcException e)
            {
                return e.StatusCode;
            }
        }));
        Assert.Single(attempts, StatusCode.OK);
        Assert.Equal(7, attempts.Count(s => s == StatusCode.FailedPrecondition));
        Assert.Equal(1L, await ScalarAsync("SELECT count(*) FROM agent_certificate c JOIN virtual_router v ON v.uid = c.virtual_router WHERE v.name = 'ac-race'"));
    }

    [Fact]
    public async Task A_token_that_is_wrong_late_or_for_another_name_is_refused_and_names_nobody()
    {
        var (late, _) = await api.TokenAsync("ac-late", Address(7));
        await ScalarAsync("UPDATE join_token SET expires_at = now() - interval '1 second' FROM virtual_router v WHERE v.uid = virtual_router AND v.name = 'ac-late'");
        var (token, _) = await api.TokenAsync("ac-named", Address(8));
        var (replaced, _) = await api.TokenAsync("ac-replaced", Address(9));
        await api.TokenAsync("ac-replaced", Address(9));

        var wrong = await TestNode.StatusOfAsync(() => TestNode.JoinAsync(api, "cn2j_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ac-named"));
        Assert.Equal((StatusCode.Unauthenticated, JoinToken.Unknown.Reason), (wrong.StatusCode, wrong.Detail));
        Assert.Equal(wrong, await TestNode.StatusOfAsync(() => TestNode.JoinAsync(api, new string('x', 5000), "ac-none")));
        Assert.Equal(wrong, await TestNode.StatusOfAsync(() => TestNode.JoinAsync(api, replaced)));
        var over = await TestNode.StatusOfAsync(() => TestNode.JoinAsync(api, late));
        Assert.Equal((StatusCode.FailedPrecondition, true), (over.StatusCode, over.Detail.StartsWith("the hour of the join token ended at", StringComparison.Ordinal)));
        var elsewhere = await TestNode.StatusOfAsync(() => TestNode.JoinAsync(api, token, "ac-late"));
        Assert.Equal(StatusCode.PermissionDenied, elsewhere.StatusCode);
        Assert.Equal(elsewhere, await TestNode.StatusOfAsync(() => TestNode.JoinAsync(api, token, "ac-none")));
        Assert.DoesNotContain("ac-named", elsewhere.Detail, StringComparison.Ordinal);
        using var certificate = await TestNode.JoinAsync(api, token, "ac-named"); // none of it has used the token up
    }

    [Fact]
    public async Task A_request_that_cannot_be_taken_is_refused_and_the_token_stays()
    {
        var (token, _) = await api.TokenAsync("ac-garbage", Address(10));
        using var node = new TestNode(api, null);
        using var weak = RSA.Create(512);
        using var odd = ECDsa.Create(ECCurve.NamedCurves.nistP521);
        var forged = NewRequest().ToByteArray();
        forged[^1] ^= 1;
        ByteString[] requests =
        [
            ByteString.Empty, ByteString.CopyFromUtf8("garbage"), ByteString.CopyFrom(new byte[AgentKeyRequest.MostBytes]), ByteString.CopyFrom(forged),
            ByteString.CopyFrom(new CertificateRequest("CN=x", weak, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequest()), TestNode.Request(odd),
        ];
        foreach (var request in requests) Assert.Equal(StatusCode.InvalidArgument, (await TestNode.StatusOfAsync(() => node.JoinAsync(token, "", request))).StatusCode);
        Assert.Equal(StatusCode.ResourceExhausted, (await TestNode.StatusOfAsync(() => node.JoinAsync(token, "", ByteString.CopyFrom(new byte[10_000_000])))).StatusCode);
        using var certificate = await TestNode.JoinAsync(api, token);
    }

    [Fact]
    public async Task Names_purposes_and_extensions_that_the_agent_asks_for_are_ignored()
    {
        var (token, _) = await api.TokenAsync("ac-modest", Address(11));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var greedy = new CertificateRequest("CN=ac-victim,O=system:masters", key, HashAlgorithmName.SHA256);
        greedy.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var node = new TestNode(api, null);
        var issued = X509CertificateLoader.LoadCertificate((await node.JoinAsync(token, "", ByteString.CopyFrom(greedy.CreateSigningRequest()))).Certificate.Span);
        Assert.Equal("CN=ac-modest", issued.Subject);
        Assert.False(issued.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
    }

    [Fact]
    public async Task A_certificate_of_another_CA_and_one_of_a_server_are_refused()
    {
        var (foreignCa, foreignKey) = AgentCa.Make("elsewhere", DateTimeOffset.UtcNow);
        var foreign = new AgentCa([X509Certificate2.CreateFromPem(foreignCa, foreignKey)]);
        await api.TokenAsync("ac-forged", Address(12));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signed = foreign.Issue(new PublicKey(key), "ac-forged", "contrail-k8s-kubemanager-cluster1-juniper-local", DateTimeOffset.UtcNow, TimeSpan.FromHours(1));
        var (certificate, serverKey) = api.Authority.Issue("ac-forged");
        foreach (var shown in (X509Certificate2[])[signed.CopyWithPrivateKey(key), X509Certificate2.CreateFromPem(certificate, serverKey)])
        {
            using var node = new TestNode(api, shown);
            var refused = await TestNode.StatusOfAsync(() => node.ConnectAsync("ac-forged", Address(12)));
            Assert.Equal((StatusCode.Unauthenticated, true), (refused.StatusCode, refused.Detail.Contains("was not issued by the agents' CA", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task A_VirtualRouter_that_is_deleted_takes_its_certificate_with_it_within_a_second_on_every_replica_although_the_feed_is_held_back()
    {
        using var certificate = await TestNode.JoinAsync(api, (await api.TokenAsync("ac-gone", Address(13))).Token);
        await using var other = await api.ReplicaAsync();
        using var node = new TestNode(other, certificate);
        using var call = await node.ConnectAsync("ac-gone", Address(13));
        await Eventually.TrueAsync(async () => (bool?)(await api.GetAsync("/v1/virtual-routers/ac-gone")).Json?["status"]?["connected"] == true, "it is connected");
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var open = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var xid = new NpgsqlCommand("SELECT pg_current_xact_id()", connection)) await xid.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        var end = TestNode.EndOfAsync(call);
        Assert.Equal(204, (await api.DeleteAsync("/v1/virtual-routers/ac-gone")).Status);
        var since = Stopwatch.GetTimestamp();
        var status = await end.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, Second);
        // Aborted: the recorder of agents has met the missing row before the certificates were read.
        Assert.Contains(status.StatusCode, (StatusCode[])[StatusCode.Unauthenticated, StatusCode.Aborted]);
        Assert.Contains("join again with a new token", status.Detail, StringComparison.Ordinal);

        await api.TokenAsync("ac-gone", Address(13)); // made anew, under the same name
        foreach (var server in (AgentServer[])[api, other])
        {
            using var again = new TestNode(server, certificate);
            // Until the certificates are read anew, it is refused because its VirtualRouter is another one now.
            await Eventually.TrueAsync(async () => (await TestNode.StatusOfAsync(() => again.ConnectAsync("ac-gone", Address(13)))).StatusCode == StatusCode.Unauthenticated, "the certificate is worth nothing", 1);
            Assert.Equal(StatusCode.Unauthenticated, (await TestNode.StatusOfAsync(() => again.RenewAsync(NewRequest()))).StatusCode);
        }
    }

    /// <summary>The row alone goes, so nothing but the reading of certificates can end the stream.</summary>
    [Fact]
    public async Task A_certificate_that_is_revoked_ends_its_open_stream_within_a_second()
    {
        using var certificate = await TestNode.JoinAsync(api, (await api.TokenAsync("ac-revoked", Address(18))).Token);
        await using var other = await api.ReplicaAsync();
        using var node = new TestNode(other, certificate);
        using var call = await node.ConnectAsync("ac-revoked", Address(18));
        var end = TestNode.EndOfAsync(call);
        await ScalarAsync("DELETE FROM agent_certificate c USING virtual_router v WHERE v.uid = c.virtual_router AND v.name = 'ac-revoked'");
        var since = Stopwatch.GetTimestamp();
        var status = await end.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, Second);
        Assert.Equal((StatusCode.Unauthenticated, true), (status.StatusCode, status.Detail.Contains("was revoked, or its VirtualRouter was deleted", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_node_reports_for_itself_alone()
    {
        using var certificate = await TestNode.JoinAsync(api, (await api.TokenAsync("ac-hostile", Address(16))).Token);
        await api.TokenAsync("ac-honest", Address(17));
        (await api.PutAsync("/v1/namespaces/default/service-health-checks/ac-tcp", new { monitorType = "TCP", port = 80 })).Expect(201);
        foreach (var (name, node) in ((string, string)[])[("ac-own-pod", "ac-hostile"), ("ac-other-pod", "ac-honest")])
            (await api.PutAsync($"/v1/namespaces/default/virtual-machine-interfaces/{name}", new { addresses = new[] { name == "ac-own-pod" ? "10.91.1.1" : "10.91.1.2" }, virtualRouter = node, healthCheck = "ac-tcp" })).Expect(201);
        var own = await UidAsync("ac-own-pod");
        var other = await UidAsync("ac-other-pod");

        using var hostile = new TestNode(api, certificate);
        using var call = await hostile.ConnectAsync("ac-hostile", Address(16));
        await Eventually.TrueAsync(async () =>
        {
            // Again and again: a report of a probe that the server has not sent yet counts for nothing.
            await call.RequestStream.WriteAsync(TestNode.Healthy(other, own), TestContext.Current.CancellationToken);
            return await HealthAsync("ac-own-pod") == "Healthy";
        }, "its own endpoint is healthy");
        Assert.Equal("Unknown", await HealthAsync("ac-other-pod"));
        Assert.Equal("NeverConnected", (await api.GetAsync("/v1/virtual-routers/ac-honest")).ReasonOf("Connected"));

        async Task<Guid> UidAsync(string name) => Guid.Parse((string)(await api.GetAsync($"/v1/namespaces/default/virtual-machine-interfaces/{name}")).Json!["uid"]!);

        async Task<string?> HealthAsync(string name) => (string?)(await api.GetAsync($"/v1/namespaces/default/virtual-machine-interfaces/{name}")).Json!["status"]!["health"];
    }

    [Fact]
    public async Task A_certificate_is_renewed_with_a_new_key_and_the_old_one_stays_but_not_without_bound()
    {
        using var first = await TestNode.JoinAsync(api, (await api.TokenAsync("ac-renew", Address(14))).Token);
        using var node = new TestNode(api, first);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issued = X509CertificateLoader.LoadCertificate((await node.RenewAsync(TestNode.Request(key))).Certificate.Span);
        Assert.Equal("CN=ac-renew", issued.Subject);
        Assert.NotEqual(first.SerialNumber, issued.SerialNumber);
        using var second = new TestNode(api, issued.CopyWithPrivateKey(key));
        using (await second.ConnectAsync("ac-renew", Address(14)))
        {
        }

        for (var i = 2; i < CN2.Network.Resources.Limits.CertificatesOfAgent; i++) await node.RenewAsync(NewRequest());
        Assert.Equal(StatusCode.ResourceExhausted, (await TestNode.StatusOfAsync(() => node.RenewAsync(NewRequest()))).StatusCode);
    }

    [Fact]
    public async Task Tokens_and_the_CAs_key_are_kept_nowhere_in_plain()
    {
        await api.PutAsync("/v1/virtual-routers/ac-secret", new { address = Address(15).ToString() });
        var first = await api.PostAsync("/v1/virtual-routers/ac-secret:join-token", "", ("Idempotency-Key", "ac-secret"));
        var token = (string)first.Json!["token"]!;
        Assert.StartsWith("cn2j_", token, StringComparison.Ordinal);
        Assert.Contains($"--token {token} --ca-hash sha256:", (string)first.Json!["command"]!, StringComparison.Ordinal);
        Assert.EndsWith(" --ca-file ca.pem", (string)first.Json!["command"]!, StringComparison.Ordinal); // the CA of the database did not issue the server's certificate
        var second = await api.PostAsync("/v1/virtual-routers/ac-secret:join-token", "", ("Idempotency-Key", "ac-secret"));
        Assert.Equal((200, null, (string)first.Json!["expiresAt"]!), (second.Status, (string?)second.Json!["token"], (string)second.Json!["expiresAt"]!));
        Assert.Null((string?)(await api.PostAsync("/v1/virtual-routers/ac-secret:join-token?dryRun=true", "")).Json!["token"]);
        Assert.Equal(0L, await ScalarAsync($"SELECT count(*) FROM idempotency_key WHERE body LIKE '%{token}%'"));
        Assert.Equal(true, await ScalarAsync("SELECT starts_with(private_key, 'protected:') FROM agent_ca"));
        Assert.Equal(404, (await api.PostAsync("/v1/virtual-routers/ac-nowhere:join-token", "")).Status);
        using var certificate = await TestNode.JoinAsync(api, token); // neither the repeat nor the dry run has replaced it
    }

    private static IPAddress Address(byte last) => new([172, 27, 116, last]);

    private static ByteString NewRequest()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return TestNode.Request(key);
    }

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }
}
