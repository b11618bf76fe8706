using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Xml;
using System.Xml.Linq;
using CN2.Api.Data;
using CN2.Api.Options;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Npgsql;

namespace CN2.Api.Secrets;

/// <summary>
/// The keys by which secrets in the database are protected: table <c>protection_key</c>, which all replicas share. ASP.NET Core Data Protection makes them, encrypts them under
/// <c>Secrets__Certificate__Path</c> and reads them. Which key protects is decided here (<see cref="RingKeys"/>) and not by Data Protection: it would make a new key whenever
/// it cannot read one, and learn of the keys of other replicas a day later.
/// </summary>
internal sealed partial class KeyRing : IDisposable
{
    /// <summary>The advisory lock of who makes a key: "CN2S" in ASCII.</summary>
    private const int LockKey = 0x434E3253;

    /// <summary>The ring is not read more often, however many unknown keys are met.</summary>
    private static readonly TimeSpan ReadInterval = TimeSpan.FromSeconds(1);

    /// <summary>A key is used until the operator changes the certificate; nothing runs out by itself.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(365 * 100);

    private readonly DedicatedConnection _dedicated;
    private readonly TimeProvider _time;
    private readonly ILogger<KeyRing> _logger;
    private readonly string? _certificate;
    private readonly KeyElements _elements = new();
    private readonly ServiceProvider _protection;
    private readonly SemaphoreSlim _turn = new(1);
    private RingKeys? _keys;
    private long _readAt;

    public KeyRing(SecretsOptions options, DedicatedConnection dedicated, TimeProvider time, ILogger<KeyRing> logger)
    {
        (_dedicated, _time, _logger) = (dedicated, time, logger);
        var certificate = options.Certificate();
        _certificate = certificate is null ? null : HashOf(certificate);
        // A container of its own: what else in the process may use Data Protection has nothing to do with these keys.
        var services = new ServiceCollection();
        var protection = services.AddDataProtection().DisableAutomaticKeyGeneration();
        services.Configure<KeyManagementOptions>(o => o.XmlRepository = _elements);
        if (certificate is not null) protection.ProtectKeysWithCertificate(certificate);
        X509Certificate2[] known = [.. certificate is null ? [] : (X509Certificate2[])[certificate], .. options.PreviousCertificates()];
        if (known.Length > 0) protection.UnprotectKeysWithAnyCertificate(known);
        _protection = services.BuildServiceProvider();
    }

    /// <summary>The keys as they were last read.</summary>
    public async ValueTask<RingKeys> KeysAsync(CancellationToken ct) => Volatile.Read(ref _keys) ?? await ReadAsync(ct);

    /// <summary>Reads the keys anew, because one is unknown; those of a second ago are new enough.</summary>
    public async Task<RingKeys> ReadAsync(CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            if (_keys is { } known && _time.GetElapsedTime(_readAt) < ReadInterval) return known;
            // Outside of the pool: who asks may have the last connection of that.
            await using var connection = await _dedicated.OpenAsync(ct);
            var keys = await ReadAsync(connection, ct);
            if (keys.LacksKey) keys = await MakeAsync(connection, ct);
            if (_keys is null) Report(keys);
            _readAt = _time.GetTimestamp();
            Volatile.Write(ref _keys, keys);
            return keys;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _protection.Dispose();
        _turn.Dispose();
    }

    /// <summary>SHA-256 in hex.</summary>
    private static string HashOf(X509Certificate2 certificate) => certificate.GetCertHashString(HashAlgorithmName.SHA256);

    /// <summary>Makes a key, unless another replica has made one meanwhile.</summary>
    private async Task<RingKeys> MakeAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var turn = new NpgsqlCommand("SELECT pg_advisory_xact_lock($1)", connection))
        {
            turn.Parameters.Add(Sql.Value((long)LockKey));
            await turn.ExecuteNonQueryAsync(ct);
        }

        var keys = await ReadAsync(connection, ct);
        if (!keys.LacksKey) return keys;
        var now = _time.GetUtcNow();
        var key = Manager.CreateNewKey(now, now + Lifetime);
        await using (var insert = new NpgsqlCommand("INSERT INTO protection_key (id, certificate, document) VALUES ($1, $2, $3)", connection))
        {
            insert.Parameters.Add(Sql.Value(key.KeyId));
            insert.Parameters.Add(new() { Value = (object?)_certificate ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
            insert.Parameters.Add(Sql.Value(_elements.Written!.ToString(SaveOptions.DisableFormatting)));
            await insert.ExecuteNonQueryAsync(ct);
        }

        keys = await ReadAsync(connection, ct);
        await transaction.CommitAsync(ct);
        LogMade(key.KeyId, _certificate is null ? "in plain" : $"under the certificate {_certificate}");
        return keys;
    }

    private async Task<RingKeys> ReadAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var rows = await Sql.ReadAllAsync(
            connection, "SELECT id, number, certificate, document FROM protection_key ORDER BY number",
            row => (Id: row.GetGuid(0), Number: row.GetInt64(1), Certificate: row.GetStringOrNull(2), Document: row.GetString(3)), ct);
        return new RingKeys([.. rows.Select(r => new RingKey(r.Id, r.Number, r.Certificate, EncryptorOf(r.Document)))], _certificate);
    }

    /// <summary>Each document by itself: one that is damaged must not take the others with it.</summary>
    private Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.IAuthenticatedEncryptor? EncryptorOf(string document)
    {
        try
        {
            _elements.Stored = [XElement.Parse(document)];
            return Manager.GetAllKeys().Single().CreateEncryptor();
        }
        catch (Exception e) when (e is CryptographicException or XmlException or InvalidOperationException or FormatException or ArgumentException or NullReferenceException)
        {
            return null; // under another certificate, or damaged; who needs the key says so
        }
    }

    private IKeyManager Manager => _protection.GetRequiredService<IKeyManager>();

    private void Report(RingKeys keys)
    {
        if (keys.Current is null) LogLocked(keys.Foreign ?? "");
        else if (_certificate is null) LogPlain();
    }

    [LoggerMessage(EventId = 170, Level = LogLevel.Warning, Message = "Secrets in the database are encrypted by a key that stands beside them in plain, so who has a dump of it can read them; set Secrets__Certificate__Path")]
    private partial void LogPlain();

    [LoggerMessage(EventId = 171, Level = LogLevel.Error, Message = "The keys that protect secrets in the database cannot be read: they are encrypted under the certificate with SHA-256 {Certificate}. Set Secrets__Certificate__Path to it; until then BgpRouters with an authKey get no new session from this control node, and no secret can be stored")]
    private partial void LogLocked(string certificate);

    [LoggerMessage(EventId = 173, Level = LogLevel.Information, Message = "Key {Key} was made, which protects secrets in the database; it stands there {How}")]
    private partial void LogMade(Guid key, string how);
}
