using CN2.Api.Data.Rows;

namespace CN2.Api.Data;

/// <summary>About how many bytes a row adds to a page: its texts that users write.</summary>
internal static class RowSize
{
    public static long Of(ResourceRow row) => 512 + Of(row.Labels) + Of(row.Annotations) + (row switch
    {
        ServiceRow service => service.Spec.Length,
        ExternalNetworkRow network => network.Spec.Length,
        FloatingIPRow floatingIP => floatingIP.Spec.Length,
        ExternalNetworkSelectorRow selector => selector.Spec.Length,
        ServiceHealthCheckRow check => check.Spec.Length,
        BgpRouterRow router => router.Spec.Length,
        _ => 0,
    });

    private static long Of(Dictionary<string, string> texts)
    {
        long size = 0;
        foreach (var (key, value) in texts) size += key.Length + value.Length;
        return size;
    }
}
