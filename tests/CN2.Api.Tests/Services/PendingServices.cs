using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Services;

/// <summary>The Services that the leading replica would serve: it knows them from the feed, these tests run without it.</summary>
internal static class PendingServices
{
    /// <summary>Services that lack an address or a node port, oldest first.</summary>
    public static async Task<List<Guid>> ReadAsync(ApiServer api)
    {
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand("SELECT uid FROM service WHERE pending_reason IS NOT NULL AND deleting_at IS NULL ORDER BY created_at, uid", connection);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var uids = new List<Guid>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken)) uids.Add(reader.GetGuid(0));
        return uids;
    }
}
