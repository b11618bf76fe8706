namespace CN2.Api.Http;

internal enum ListenerKind
{
    /// <summary><c>Http__Url</c></summary>
    Rest,

    /// <summary><c>Grpc__Url</c></summary>
    Agents,

    /// <summary><c>Kubernetes__Url</c></summary>
    Kubernetes,
}
