using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.ExternalNetworks;

/// <summary>A namespace with FloatingIPs of an ExternalNetwork that only some namespaces may use.</summary>
internal sealed record NetworkUsers(Guid Network, string Namespace, LabelSet Labels)
{
    /// <summary>Those of these networks that restrict who may use them; the others cost nothing.</summary>
    public static async Task<List<NetworkUsers>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<ExternalNetworkRow> rows, CancellationToken ct)
    {
        var restricted = rows.Where(r => StoredDocument.ReadOr<ExternalNetworkSpec>(r.Spec, null)?.AllowedNamespaces is not null).Select(r => r.Uid).ToArray();
        return restricted.Length == 0 ? [] : await Sql.ReadAllAsync(
            connection,
            """
            SELECT u.external_network_uid, n.name, n.labels
            FROM (SELECT DISTINCT f.external_network_uid, f.namespace FROM subnet s JOIN floating_ip f ON f.subnet_id = s.id WHERE s.external_network_uid = ANY ($1)) u
            JOIN namespace n ON n.name = u.namespace ORDER BY n.name
            """,
            r => new NetworkUsers(r.GetGuid(0), r.GetString(1), LabelSet.Of(r.GetLabels(2))), ct, Sql.Value(restricted));
    }
}
