using Npgsql;

namespace CN2.Api.Data;

/// <summary>Which control nodes can read protected secrets: each says so with its heartbeat; one of a version before protection does not.</summary>
public static class ProtectedSecretReaders
{
    /// <summary>A control node that is alive and cannot read them; null: there is none, so secrets may be protected.</summary>
    public static async Task<string?> FindUnableAsync(NpgsqlConnection connection, CancellationToken ct) => (await Sql.ReadAllAsync(
        connection, $"SELECT name FROM control_node c WHERE NOT reads_protected_secrets AND {ControlNodeLiveness.IsAlive("c", "$1")} ORDER BY name LIMIT 1",
        row => row.GetString(0), ct, Sql.Value(ControlNodeLiveness.GoneAfter))).FirstOrDefault();
}
