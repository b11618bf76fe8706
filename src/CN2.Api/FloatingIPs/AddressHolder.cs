using CN2.Api.Data;
using CN2.Api.Data.Rows;
using Npgsql;

namespace CN2.Api.FloatingIPs;

/// <summary>Describes the holder of a requested address for the refused client: its FloatingIP, and its Service.</summary>
internal static class AddressHolder
{
    public static async Task<string> DescribeAsync(NpgsqlConnection connection, FloatingIPRow holder, CancellationToken ct)
    {
        var text = $"{holder.Address} is held by FloatingIP {holder.Namespace}/{holder.Name}";
        if (holder.ServiceUid is { } uid)
        {
            await using var command = new NpgsqlCommand("SELECT namespace || '/' || name FROM service WHERE uid = $1", connection);
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = uid });
            text += $" of Service {await command.ScalarAsync(ct)}";
        }

        return holder.DeletingAt is not null ? $"{text}, which is on its way out; try again when it is gone." : $"{text}; ask for another address.";
    }
}
