namespace CN2.VRouter.Dataplane;

/// <summary>The data plane refused a configuration; the message is for the operator. The state before it still holds.</summary>
public sealed class DataplaneException : Exception
{
    public DataplaneException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
