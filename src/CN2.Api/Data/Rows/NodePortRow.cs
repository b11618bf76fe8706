namespace CN2.Api.Data.Rows;

/// <summary>A node port that a Service holds; the primary key is the referee.</summary>
public sealed class NodePortRow
{
    public int Port { get; set; }
    public short Protocol { get; set; }
    public Guid ServiceUid { get; set; }
}
