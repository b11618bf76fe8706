using System.Globalization;
using CN2.Api.Access;
using CN2.Api.Audit;
using CN2.Api.Data;
using CN2.Api.Options;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.Tokens;

/// <summary>
/// <c>CN2.Api token …</c>, for whoever may write to the database: the first token, and a new one when all are lost. It needs the connection string and no
/// other setting, and no server that runs. The secret alone goes to standard output, all words to standard error.
/// </summary>
internal static class TokenCommand
{
    /// <summary>Servers ask more than twice a second what has changed. When the command has ended, what it did counts at each of them.</summary>
    private static readonly TimeSpan KnownEverywhere = TimeSpan.FromSeconds(1);

    /// <summary>The exit code: 0 done, 1 not done, 2 not understood.</summary>
    /// <exception cref="SettingsException">The connection string is wrong.</exception>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, TextWriter output, TextWriter messages, CancellationToken ct)
    {
        if (TokenCommandLine.Read(args, out var faults) is not { } command)
        {
            foreach (var fault in faults) await messages.WriteLineAsync(fault);
            await messages.WriteLineAsync(TokenCommandLine.Usage);
            return 2;
        }

        using var host = DatabaseHost.Build(command.Settings);
        if (await DatabaseHost.PrepareAsync(host.Services, ct) is { } unready)
        {
            await messages.WriteLineAsync(unready);
            return 1;
        }

        await using var connection = await host.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(ct);
        var now = host.Services.GetRequiredService<TimeProvider>().GetStorableNow();
        if (command.Verb == "list")
        {
            await ListAsync(connection, now, output, ct);
            return 0;
        }

        await using var transaction = await connection.BeginTransactionAsync(ct);
        await ExecuteAsync(connection, "SELECT 1 FROM access_state FOR UPDATE", ct); // writers of tokens and role bindings take turns
        var outcome = command.Verb == "create" ? await CreateAsync(connection, command, now, ct) : await DeleteAsync(connection, command.Name!, ct);
        if (outcome.IsDone)
        {
            await using (var audit = new NpgsqlBatch(connection) { BatchCommands = { AuditTable.Insert([EntryOf(command, now)]) } }) await audit.ExecuteNonQueryAsync(ct);
            await transaction.CommitAsync(ct);
            await Task.Delay(KnownEverywhere, ct);
        }

        await messages.WriteLineAsync(outcome.Sentence);
        if (outcome.Secret is not null) await output.WriteLineAsync(outcome.Secret);
        return outcome.IsDone ? 0 : 1;
    }

    private static AuditEntry EntryOf(TokenCommandLine command, DateTimeOffset now) =>
        new(AuditOrigin.OfCommand($"token {command.Verb}"), now, new AuditSubject("tokens", null, command.Name, null, null), command.Verb == "create" ? StatusCodes.Status201Created : StatusCodes.Status204NoContent) { Verb = command.Verb };

    private static async Task<Outcome> CreateAsync(NpgsqlConnection connection, TokenCommandLine command, DateTimeOffset now, CancellationToken ct)
    {
        var name = command.Name!;
        if (await ExistsAsync(connection, "SELECT 1 FROM api_token WHERE name = $1", name, ct))
            return new(false, $"API token {name} exists already; choose another name, or delete it first: CN2.Api token delete --name {name}");
        if (await ExistsAsync(connection, "SELECT 1 FROM role_binding WHERE name = $1", name, ct))
            return new(false, $"Role binding {name} exists already, and the token's own would have its name; choose another name, or delete it first (DELETE /v1/role-bindings/{name}).");
        if (await CountAsync(connection, ct) >= Limits.ApiTokens)
            return new(false, $"There are {Limits.ApiTokens} API tokens, and more are not possible; delete those that are no longer used: CN2.Api token list");

        var secret = TokenSecret.New();
        var expiresAt = now + command.ExpiresIn;
        await ExecuteAsync(connection, "INSERT INTO api_token (uid, name, created_at, updated_at, secret_hash, expires_at) VALUES ($1, $2, $3, $3, $4, $5)", ct,
            Sql.Value(Guid.CreateVersion7(now)), Sql.Value(name), Sql.Time(now), Sql.Value(TokenSecret.Hash(secret)),
            new NpgsqlParameter { Value = expiresAt is { } at ? at.UtcDateTime : DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.TimestampTz });
        await ExecuteAsync(connection,
            """
            INSERT INTO role_binding (uid, name, created_at, updated_at, subjects, role, namespaces)
            VALUES ($1, $2, $3, $3, jsonb_build_array(jsonb_build_object('kind', 'Token', 'name', $2)), $4, $5)
            """, ct,
            Sql.Value(Guid.CreateVersion7(now)), Sql.Value(name), Sql.Time(now), Sql.Value(TokenCommandLine.WordOf(command.Role)), Sql.Value(command.Namespaces.ToArray()));
        var where = command.Namespaces is ["*"] ? "all namespaces" : string.Join(", ", command.Namespaces);
        return new(true, $"Made API token {name} and role binding {name}: {TokenCommandLine.WordOf(command.Role)} in {where}, "
            + (expiresAt is { } end ? string.Create(CultureInfo.InvariantCulture, $"until {end.UtcDateTime:u}. ") : "without an end. ")
            + "The secret is shown this once; send it as: Authorization: Bearer SECRET", secret);
    }

    /// <summary>A role binding that <c>token create</c> made goes with its token; one that names others too stays.</summary>
    private static async Task<Outcome> DeleteAsync(NpgsqlConnection connection, string name, CancellationToken ct)
    {
        if (!await ExistsAsync(connection, "DELETE FROM api_token WHERE name = $1 RETURNING 1", name, ct)) return new(false, $"There is no API token {name}; CN2.Api token list shows those that there are.");
        var withBinding = await ExistsAsync(connection, "DELETE FROM role_binding WHERE name = $1 AND subjects = jsonb_build_array(jsonb_build_object('kind', 'Token', 'name', $1)) RETURNING 1", name, ct);
        return new(true, withBinding ? $"Deleted API token {name} and its role binding {name}." : $"Deleted API token {name}.");
    }

    private static async Task ListAsync(NpgsqlConnection connection, DateTimeOffset now, TextWriter output, CancellationToken ct)
    {
        var rows = await Sql.ReadAllAsync(connection, "SELECT name, created_at, expires_at, last_used_at FROM api_token ORDER BY name",
            row => (row.GetString(0), row.GetFieldValue<DateTimeOffset>(1), row.GetTimeOrNull(2), row.GetTimeOrNull(3)), ct);
        var wide = rows.Select(r => r.Item1.Length).Append(4).Max();
        await output.WriteLineAsync($"{"NAME".PadRight(wide)}  {"CREATED",-20}  {"EXPIRES",-20}  LAST USED");
        foreach (var (name, created, expires, used) in rows)
            await output.WriteLineAsync($"{name.PadRight(wide)}  {Text(created),-20}  {(expires <= now ? "expired" : Text(expires, "never")),-20}  {Text(used, "never")}");
    }

    private static string Text(DateTimeOffset? time, string otherwise = "") => time is { } at ? at.UtcDateTime.ToString("u", CultureInfo.InvariantCulture) : otherwise;

    private static async Task<long> CountAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT count(*) FROM api_token", connection);
        return (long)(await command.ScalarAsync(ct))!;
    }

    private static async Task<bool> ExistsAsync(NpgsqlConnection connection, string sql, string name, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.Add(Sql.Value(name));
        return await command.ScalarAsync(ct) is not null;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        await command.ExecuteNonQueryAsync(ct);
    }

    private sealed record Outcome(bool IsDone, string Sentence, string? Secret = null);
}
