using System.Globalization;
using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Secrets;

/// <summary>
/// Protects the secrets that stand in plain since before there was protection, and those under an older key of the ring, a few at a time. Every replica does it: a row changes
/// only if it still has what was read, and no version of a resource changes. While a control node that cannot read protected secrets is alive (a rolling upgrade), what is plain stays so.
/// </summary>
internal sealed partial class SecretRenewal(KeyRing ring, ISecretProtection secrets, NpgsqlDataSource source, TimeProvider time, ILogger<SecretRenewal> logger) : BackgroundService
{
    /// <summary>Secrets that are read at once.</summary>
    private const int Step = 100;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly Dictionary<Guid, bool> _neededSaid = [];
    private string? _said;

    /// <summary>One pass; how many secrets it has protected.</summary>
    public async Task<int> RunOnceAsync(CancellationToken ct)
    {
        var keys = await ring.KeysAsync(ct);
        if (keys.Current is not { } current) return 0;
        string? holdsBack;
        await using (var connection = await source.OpenConnectionAsync(ct)) holdsBack = await ProtectedSecretReaders.FindUnableAsync(connection, ct);
        if (holdsBack is not null && holdsBack != _said) LogWaits(holdsBack);
        _said = holdsBack;
        var renewed = 0;
        foreach (var column in ProtectedColumn.All) renewed += await RenewAsync(column, keys, current, isPlainLeft: holdsBack is not null, ct);
        if (renewed > 0) LogRenewed(renewed);
        await SayNeededAsync(keys, current, ct);
        return renewed;
    }

    /// <summary>Says of each other key once whether secrets still need it: so the operator knows when a former certificate may go, and which one is missing.</summary>
    private async Task SayNeededAsync(RingKeys keys, RingKey current, CancellationToken ct)
    {
        foreach (var key in keys.All.Where(k => k != current && k.Certificate is not null))
        {
            var count = 0L;
            foreach (var column in ProtectedColumn.All) count += await CountAsync(column, key, ct);
            if (_neededSaid.TryGetValue(key.Id, out var said) && said == count > 0) continue;
            _neededSaid[key.Id] = count > 0;
            if (count == 0) LogNotNeeded(key.Certificate!);
            else if (key.Encryptor is null) LogMissing(count, key.Certificate!);
        }
    }

    private async Task<long> CountAsync(ProtectedColumn column, RingKey key, CancellationToken ct)
    {
        await using var command = source.CreateCommand($"SELECT count(*) FROM {column.Table} WHERE starts_with({column.Name}, $1)");
        command.Parameters.Add(Sql.Value(ProtectedText.BeginningOf(key.Id)));
        return (long)(await command.ScalarAsync(ct))!;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RunOnceAsync(stoppingToken);
            }
            catch (Exception e)
            {
                if (!stoppingToken.IsCancellationRequested) LogPostponed(e.GetBaseException().Message);
            }

            await Task.Delay(Interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<int> RenewAsync(ProtectedColumn column, RingKeys keys, RingKey current, bool isPlainLeft, CancellationToken ct)
    {
        var (renewed, after) = (0, "");
        while (true)
        {
            var found = await ReadAsync(column, current, after, ct);
            foreach (var stored in found)
            {
                if (ProtectedText.IsProtected(stored) ? !MayRenew(stored, keys, current) : isPlainLeft) continue;
                var secret = await secrets.UnprotectAsync(stored, column.Purpose, ct);
                renewed += await ReplaceAsync(column, stored, await secrets.ProtectAsync(secret, column.Purpose, ct), ct);
            }

            if (found.Count < Step) return renewed;
            after = found[^1];
        }
    }

    /// <summary>Only by a newer key: replicas with different certificates, in the middle of a change, do not undo each other's work.</summary>
    private static bool MayRenew(string stored, RingKeys keys, RingKey current) =>
        ProtectedText.TryRead(stored, out var id, out _) && keys.Find(id) is { Encryptor: not null } key && key.Number < current.Number;

    private async Task<List<string>> ReadAsync(ProtectedColumn column, RingKey current, string after, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return await Sql.ReadAllAsync(
            connection,
            string.Create(CultureInfo.InvariantCulture, $"""SELECT {column.Name} FROM {column.Table} WHERE NOT starts_with({column.Name}, $1) AND {column.Name} > $2 COLLATE "C" ORDER BY {column.Name} COLLATE "C" LIMIT {Step}"""),
            row => row.GetString(0), ct, Sql.Value(ProtectedText.BeginningOf(current.Id)), Sql.Value(after));
    }

    private async Task<int> ReplaceAsync(ProtectedColumn column, string stored, string renewed, CancellationToken ct)
    {
        await using var command = source.CreateCommand($"UPDATE {column.Table} SET {column.Name} = $2 WHERE {column.Name} = $1");
        command.Parameters.Add(Sql.Value(stored));
        command.Parameters.Add(Sql.Value(renewed));
        return await command.ExecuteNonQueryAsync(ct);
    }

    [LoggerMessage(EventId = 174, Level = LogLevel.Information, Message = "{Count} secrets in the database are protected by the newest key now")]
    private partial void LogRenewed(int count);

    [LoggerMessage(EventId = 177, Level = LogLevel.Information, Message = "In the database no secret needs the certificate with SHA-256 {Certificate} any more; once no control node has it as Secrets__Certificate__Path, it may go from Secrets__Certificate__Previous")]
    private partial void LogNotNeeded(string certificate);

    [LoggerMessage(EventId = 172, Level = LogLevel.Warning, Message = "{Count} secrets are encrypted under the certificate with SHA-256 {Certificate}, which this control node does not have: add it as Secrets__Certificate__Previous__0, or set them anew")]
    private partial void LogMissing(long count, string certificate);

    [LoggerMessage(EventId = 175, Level = LogLevel.Warning, Message = "Control node {Name} runs a version that cannot read protected secrets: the secrets in the database stay in plain until it is upgraded or gone")]
    private partial void LogWaits(string name);

    [LoggerMessage(EventId = 176, Level = LogLevel.Warning, Message = "Protecting secrets in the database is put off, and tried again: {Reason}")]
    private partial void LogPostponed(string reason);
}
