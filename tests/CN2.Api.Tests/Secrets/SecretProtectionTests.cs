using CN2.Api.Data;
using CN2.Api.Options;
using CN2.Api.Secrets;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Tests.Reconcile;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace CN2.Api.Tests.Secrets;

/// <summary>The key ring in a real database, as several replicas with several certificates use it.</summary>
public sealed class SecretProtectionTests(PrivatePostgres postgres) : IAsyncLifetime, IDisposable
{
    private const string Secret = "s3cret-of-the-router";
    private const string Purpose = "BgpRouter authKey";

    private readonly SecretsCertificates _certificates = new();
    private readonly List<IDisposable> _rings = [];
    private readonly RecordedLog _log = new();
    private readonly FakeTimeProvider _time = new();
    private string _database = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _database = await postgres.CreateDatabaseAsync();

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        foreach (var ring in _rings) ring.Dispose();
        _certificates.Dispose();
    }

    [Fact]
    public async Task Replicas_that_start_at_once_on_an_empty_database_share_one_key()
    {
        var replicas = Enumerable.Range(0, 8).Select(_ => Replica(_certificates.Options("a"))).ToList();
        var stored = await Task.WhenAll(replicas.Select(r => r.ProtectAsync(Secret, Purpose, Token)));
        Assert.Equal(1L, await ScalarAsync("SELECT count(*) FROM protection_key"));
        foreach (var text in stored)
        {
            foreach (var replica in replicas) Assert.Equal(Secret, await replica.UnprotectAsync(text, Purpose, Token));
        }
    }

    [Fact]
    public async Task What_is_stored_tells_nothing_and_is_longer_than_any_key_of_TCP_MD5()
    {
        var replica = Replica(_certificates.Options("a"));
        var stored = await replica.ProtectAsync("k", Purpose, Token);
        Assert.True(stored.Length > 80);
        Assert.StartsWith("protected:", stored, StringComparison.Ordinal);
        Assert.NotEqual(stored, await replica.ProtectAsync("k", Purpose, Token));
        Assert.DoesNotContain(Convert.ToBase64String("secret"u8), await replica.ProtectAsync("secret", Purpose, Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_can_be_read_for_its_own_purpose_alone_and_not_when_it_was_changed()
    {
        var replica = Replica(_certificates.Options("a"));
        var stored = await replica.ProtectAsync(Secret, Purpose, Token);
        Assert.Contains("set it anew", (await UnreadableAsync(replica, stored, "CA key")).Message, StringComparison.Ordinal);
        var changed = stored[..^6] + (stored[^6] == 'A' ? 'B' : 'A') + stored[^5..];
        Assert.Contains("set it anew", (await UnreadableAsync(replica, changed)).Message, StringComparison.Ordinal);
        Assert.Contains("damaged", (await UnreadableAsync(replica, stored[..85])).Message, StringComparison.Ordinal);
        Assert.Contains("damaged", (await UnreadableAsync(replica, "protected:" + new string('!', 100))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_of_before_there_was_protection_is_the_secret_itself()
    {
        var replica = Replica(_certificates.Options(null));
        foreach (var plain in (string[])["s3cret", "protected:short", new string('k', 80)]) Assert.Equal(plain, await replica.UnprotectAsync(plain, Purpose, Token));
    }

    [Fact]
    public async Task A_dump_with_the_ring_is_worth_nothing_without_the_certificate()
    {
        var stored = await Replica(_certificates.Options("a")).ProtectAsync(Secret, Purpose, Token);
        Assert.DoesNotContain("<masterKey", (string)(await ScalarAsync("SELECT string_agg(document, '') FROM protection_key"))!, StringComparison.OrdinalIgnoreCase);
        var fault = await UnreadableAsync(Replica(_certificates.Options("b")), stored);
        Assert.Contains("certificate with SHA-256", fault.Message, StringComparison.Ordinal);
        Assert.Contains("Secrets__Certificate__Path", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_certificate_the_key_stands_in_plain_and_each_start_says_so_once()
    {
        var replica = Replica(_certificates.Options(null));
        Assert.Equal(Secret, await Replica(_certificates.Options(null)).UnprotectAsync(await replica.ProtectAsync(Secret, Purpose, Token), Purpose, Token));
        Assert.Contains("<masterKey", (string)(await ScalarAsync("SELECT string_agg(document, '') FROM protection_key"))!, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(2, _log.Lines.Count(l => l.Level == LogLevel.Warning && l.Text.Contains("set Secrets__Certificate__Path", StringComparison.Ordinal))); // each replica once
    }

    [Fact]
    public async Task A_replica_whose_certificate_is_missing_protects_nothing_instead_of_by_a_plain_key()
    {
        var plain = await Replica(_certificates.Options(null)).ProtectAsync(Secret, Purpose, Token);
        await Replica(_certificates.Options("a")).ProtectAsync(Secret, Purpose, Token);
        var missing = Replica(_certificates.Options(null));
        Assert.Equal(Secret, await missing.UnprotectAsync(plain, Purpose, Token));
        var locked = await Assert.ThrowsAsync<SecretsLockedException>(() => missing.ProtectAsync(Secret, Purpose, Token));
        Assert.Contains("set Secrets__Certificate__Path to that certificate", locked.Message, StringComparison.Ordinal);
        Assert.Equal(2L, await ScalarAsync("SELECT count(*) FROM protection_key"));
        Assert.Contains(_log.Errors, l => l.Text.Contains("cannot be read", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_replica_learns_of_a_key_that_another_one_made_after_its_start()
    {
        var running = Replica(_certificates.Options("a", "b"));
        await running.ProtectAsync(Secret, Purpose, Token);
        var stored = await Replica(_certificates.Options("b", "a")).ProtectAsync(Secret, Purpose, Token);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(Secret, await running.UnprotectAsync(stored, Purpose, Token));
    }

    [Fact]
    public async Task A_damaged_key_takes_no_other_with_it()
    {
        var first = await Replica(_certificates.Options("a")).ProtectAsync(Secret, Purpose, Token);
        var second = await Replica(_certificates.Options("b", "a")).ProtectAsync(Secret, Purpose, Token);
        await ScalarAsync("UPDATE protection_key SET document = '<key' WHERE number = (SELECT min(number) FROM protection_key)");
        var replica = Replica(_certificates.Options("b", "a"));
        Assert.Equal(Secret, await replica.UnprotectAsync(second, Purpose, Token));
        await UnreadableAsync(replica, first);
        await ScalarAsync("DELETE FROM protection_key WHERE document = '<key'");
        Assert.Contains("not in the database", (await UnreadableAsync(Replica(_certificates.Options("b", "a")), first)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_the_certificate_is_changed_the_secrets_follow_and_the_old_one_is_needed_no_more()
    {
        var old = Replica(_certificates.Options("a"), out var oldRing);
        await RouterAsync("one", await old.ProtectAsync("key-one", Purpose, Token), 1);
        await RouterAsync("two", "key-two-in-plain", 2);
        var changed = Replica(_certificates.Options("b", "a"), out var ring);
        Assert.Equal(2, await RenewAsync(ring, changed));
        Assert.Equal(0, await RenewAsync(ring, changed));
        // A replica that has not been changed yet leaves them as they are.
        Assert.Equal(0, await RenewAsync(oldRing, old));
        var alone = Replica(_certificates.Options("b"));
        Assert.Equal("key-one", await alone.UnprotectAsync(await KeyOfAsync("one"), Purpose, Token));
        Assert.Equal("key-two-in-plain", await alone.UnprotectAsync(await KeyOfAsync("two"), Purpose, Token));
        Assert.Equal(2L, await ScalarAsync("SELECT sum(generation)::bigint FROM bgp_router"));
        Assert.Equal(0L, await ScalarAsync("SELECT count(*) FROM change"));
    }

    [Fact]
    public async Task A_replica_that_starts_again_with_the_replaced_certificate_makes_no_newer_key_and_takes_nothing_back()
    {
        await RouterAsync("one", await Replica(_certificates.Options("a")).ProtectAsync("key-one", Purpose, Token), 1);
        Assert.Equal(1, await RenewAsync(Replica(_certificates.Options("b", "a"), out var ring), ring));
        var renewed = await KeyOfAsync("one");
        var late = Replica(_certificates.Options("a"), out var lateRing);
        await late.ProtectAsync("another", Purpose, Token);
        Assert.Equal(0, await RenewAsync(lateRing, late));
        Assert.Equal((2L, renewed), ((long)(await ScalarAsync("SELECT count(*) FROM protection_key"))!, await KeyOfAsync("one")));
    }

    [Fact]
    public async Task The_log_says_which_certificates_no_secret_needs_any_more()
    {
        await RouterAsync("one", await Replica(_certificates.Options("a")).ProtectAsync("key-one", Purpose, Token), 1);
        await RouterAsync("two", await Replica(_certificates.Options("lost")).ProtectAsync("key-two", Purpose, Token), 2);
        var changed = Replica(_certificates.Options("b", "a"), out var ring);
        await using var source = NpgsqlDataSource.Create(_database);
        using var renewal = new SecretRenewal(ring, changed, source, _time, new Logger<SecretRenewal>(LoggerFactory.Create(b => b.AddProvider(_log))));
        var (first, second) = (await HashAsync(0), await HashAsync(1));
        for (var i = 0; i < 3; i++) await renewal.RunOnceAsync(Token);
        Assert.Single(_log.Lines, l => l.Level == LogLevel.Information && l.Text.Contains($"no secret needs the certificate with SHA-256 {first} any more", StringComparison.Ordinal));
        Assert.Single(_log.Lines, l => l.Level == LogLevel.Warning && l.Text.Contains($"1 secrets are encrypted under the certificate with SHA-256 {second}", StringComparison.Ordinal));
        await ScalarAsync("DELETE FROM bgp_router WHERE name = 'two'");
        await renewal.RunOnceAsync(Token);
        Assert.Single(_log.Lines, l => l.Text.Contains($"no secret needs the certificate with SHA-256 {second} any more", StringComparison.Ordinal));

        async Task<object?> HashAsync(int index) => await ScalarAsync($"SELECT certificate FROM protection_key ORDER BY number OFFSET {index} LIMIT 1");
    }

    [Fact]
    public async Task What_is_plain_stays_so_while_an_old_control_node_is_alive()
    {
        var replica = Replica(_certificates.Options("a"), out var ring);
        await RouterAsync("one", "key-one", 1);
        await ScalarAsync("INSERT INTO control_node (name, last_seen_at, restart_time_seconds, sessions) VALUES ('of-before', now(), 120, '{}')");
        Assert.Equal(0, await RenewAsync(ring, replica));
        Assert.Equal("key-one", await KeyOfAsync("one"));
        Assert.Contains(_log.Lines, l => l.Text.Contains("Control node of-before runs a version that cannot read protected secrets", StringComparison.Ordinal));
        await ScalarAsync("UPDATE control_node SET last_seen_at = now() - interval '1 minute'");
        Assert.Equal(1, await RenewAsync(ring, replica));
        Assert.StartsWith("protected:", await KeyOfAsync("one"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_secrets_are_protected_step_by_step_past_those_that_cannot_be_read()
    {
        var foreign = Replica(_certificates.Options("lost"));
        for (var i = 0; i < 120; i++) await RouterAsync($"lost{i}", await foreign.ProtectAsync("x", Purpose, Token), i + 1);
        for (var i = 120; i < 240; i++) await RouterAsync($"plain{i}", $"key{i}", i + 1);
        Assert.Equal(120, await RenewAsync(Replica(_certificates.Options("a"), out var ring), ring));
        Assert.Equal(0L, await ScalarAsync("SELECT count(*) FROM bgp_router WHERE NOT starts_with(auth_key, 'protected:')"));
    }

    private static async Task<SecretUnreadableException> UnreadableAsync(SecretProtection replica, string stored, string purpose = Purpose)
    {
        var fault = await Assert.ThrowsAsync<SecretUnreadableException>(() => replica.UnprotectAsync(stored, purpose, Token));
        Assert.DoesNotContain(Secret, fault.ToString(), StringComparison.Ordinal);
        return fault;
    }

    private SecretProtection Replica(SecretsOptions options) => Replica(options, out _);

    private SecretProtection Replica(SecretsOptions options, out KeyRing ring)
    {
        ring = new KeyRing(options, new DedicatedConnection(new DatabaseOptions { ConnectionString = _database }), _time, new Logger<KeyRing>(LoggerFactory.Create(b => b.AddProvider(_log))));
        _rings.Add(ring);
        return new SecretProtection(ring);
    }

    private Task<int> RenewAsync(SecretProtection secrets, KeyRing ring) => RenewAsync(ring, secrets);

    private async Task<int> RenewAsync(KeyRing ring, SecretProtection secrets)
    {
        await using var source = NpgsqlDataSource.Create(_database);
        using var renewal = new SecretRenewal(ring, secrets, source, _time, new Logger<SecretRenewal>(LoggerFactory.Create(b => b.AddProvider(_log))));
        return await renewal.RunOnceAsync(Token);
    }

    private Task<object?> RouterAsync(string name, string authKey, int host) => ScalarAsync(
        $$"""INSERT INTO bgp_router (uid, name, labels, annotations, generation, created_at, updated_at, address, spec, auth_key) VALUES (gen_random_uuid(), '{{name}}', '{}', '{}', 1, now(), now(), '172.27.116.{{host}}', '{"autonomousSystem":1}', '{{authKey}}')""");

    private async Task<string> KeyOfAsync(string name) => (string)(await ScalarAsync($"SELECT auth_key FROM bgp_router WHERE name = '{name}'"))!;

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_database);
        await connection.OpenAsync(Token);
#pragma warning disable CA2100 // Fixed texts of this file.
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync(Token);
    }
}
