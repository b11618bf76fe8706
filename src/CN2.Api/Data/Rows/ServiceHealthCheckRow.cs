namespace CN2.Api.Data.Rows;

public sealed class ServiceHealthCheckRow : NamespacedRow
{
    public required string Spec { get; set; }
}
